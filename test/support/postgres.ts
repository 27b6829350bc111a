import pg from 'pg';
import type { Answer, Server } from './server.ts';

/** Address of the PostgreSQL that tests may use; they work in a schema of their own and drop it. */
export const POSTGRES_URL = process.env.INTERLEAVE_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Every value as the text that the server sent. */
const asText = { getTypeParser: () => (value: string) => value };

/** Opens `sessions` connections that share a new schema. */
export async function openPostgres(sessions: number): Promise<Server> {
  const schema = `interleave_test_${process.pid}_${Math.floor(Math.random() * 1e6)}`;
  const options = `-c search_path=${schema},public -c deadlock_timeout=15ms -c synchronous_commit=off -c timezone=UTC -c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off`;
  const connect = async () => {
    const client = new pg.Client({ connectionString: POSTGRES_URL, options, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const monitor = await connect();
  await monitor.query(`create schema ${schema}`);
  const clients = await Promise.all(Array.from({ length: sessions }, connect));
  const pids = await Promise.all(
    clients.map(async (client) => Number((await client.query('select pg_backend_pid() as pid')).rows[0].pid)),
  );
  const { rows } = await monitor.query('show server_version');
  return {
    version: `PostgreSQL ${rows[0].server_version}`,
    run: async (session, sql): Promise<Answer> => {
      try {
        const given = await (clients[session] as pg.Client).query({ text: sql, rowMode: 'array', types: asText });
        const result = Array.isArray(given) ? given.at(-1) : given;
        return { rows: result.rows as (string | null)[][], count: result.rowCount ?? 0 };
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        return { error: code ?? '', message };
      }
    },
    waiting: async (asked) => {
      const found = await monitor.query(`select pid, pg_blocking_pids(pid) as by from unnest($1::int[]) as pid`, [
        asked.map((session) => pids[session]),
      ]);
      const waiting = new Map<number, number[]>();
      for (const { pid, by } of found.rows as { pid: number; by: number[] }[]) {
        if (by.length > 0)
          waiting.set(
            pids.indexOf(pid),
            by.map((other) => pids.indexOf(other)),
          );
      }
      return waiting;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
      await monitor.query(`drop schema ${schema} cascade`);
      await monitor.end();
    },
  };
}
