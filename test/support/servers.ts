import { connect } from 'node:net';

/** Servers that tests use when they are there, on their standard ports. */
const SERVERS = {
  INTERLEAVE_POSTGRES_URL: { name: 'PostgreSQL', port: 5432, url: 'postgres://postgres@127.0.0.1:5432/test' },
  INTERLEAVE_MYSQL_URL: { name: 'MariaDB', port: 3306, url: 'mysql://root@127.0.0.1:3306/test' },
} as const;

/**
 * Looks for the servers once before all tests and names them in the environment. What is missing is skipped by the
 * tests with a reason; with CI=true it is an error.
 */
export default async function setup(): Promise<void> {
  for (const [variable, { name, port, url }] of Object.entries(SERVERS)) {
    if (process.env[variable]) continue;
    if (await listens(port)) process.env[variable] = url;
    else if (process.env.CI === 'true')
      throw new Error(`CI needs ${name} on 127.0.0.1:${port}, or its address in ${variable}`);
    else
      console.warn(`No ${name} on 127.0.0.1:${port}: tests that need one are skipped (set ${variable} to use another)`);
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
