import { type Connection, createConnection } from 'mysql2/promise';
import type { Answer, Server } from './server.ts';

/** Address of the MariaDB that tests may use; they work in a database of their own and drop it. */
export const MARIADB_URL = process.env.INTERLEAVE_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/test';

/** Opens `sessions` connections that share a new database. */
export async function openMariadb(sessions: number): Promise<Server> {
  const database = `interleave_test_${process.pid}_${Math.floor(Math.random() * 1e6)}`;
  const connect = () =>
    createConnection({
      uri: MARIADB_URL,
      connectTimeout: 2000,
      multipleStatements: true,
      rowsAsArray: true,
      typeCast: (field) => field.string(),
    });
  const monitor = await connect();
  await monitor.query(`create database ${database}`);
  const clients: Connection[] = [];
  const threads: number[] = [];
  for (let i = 0; i < sessions; i++) {
    const client = await connect();
    await client.query(`use ${database}; set autocommit = 1; set innodb_lock_wait_timeout = 20`);
    const [rows] = await client.query('select connection_id()');
    threads.push(Number((rows as string[][])[0]?.[0]));
    clients.push(client);
  }
  const [version] = await monitor.query('select version()');
  return {
    version: `MariaDB ${(version as string[][])[0]?.[0]}`,
    run: async (session, sql): Promise<Answer> => {
      try {
        const [given] = await (clients[session] as Connection).query(sql);
        if (Array.isArray(given)) return { rows: given as unknown as (string | null)[][], count: given.length };
        return { rows: [], count: (given as { affectedRows?: number }).affectedRows ?? 0 };
      } catch (error) {
        const { errno, message } = error as { errno?: number; message: string };
        return { error: String(errno ?? ''), message };
      }
    },
    waiting: async (asked) => {
      const [rows] = await monitor.query('show engine innodb status');
      const waiting = new Map<number, undefined>();
      for (const block of String((rows as string[][])[0]?.[2])
        .split('---TRANSACTION')
        .slice(1)) {
        const thread = Number(/thread id (\d+)/.exec(block)?.[1]);
        const session = threads.indexOf(thread);
        if (asked.includes(session) && /^LOCK WAIT/m.test(block)) waiting.set(session, undefined);
      }
      return waiting;
    },
    close: async () => {
      for (const client of clients) await client.end();
      await monitor.query(`drop database ${database}`);
      await monitor.end();
    },
  };
}
