import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { delay, EngineAbsent, type EngineKind, SCRATCH_PREFIX } from '../../src/laboratory/engine.ts';
import { ENGINES } from '../../src/laboratory/engines/index.ts';

const engine = (id: string): EngineKind => {
  const found = ENGINES.find((kind) => kind.id === id);
  if (!found) throw new Error(`there is no engine ${id}`);
  return found;
};

/** Opens a laboratory in a process of its own, begins work in it and kills the process without a warning. */
async function openAndKill(id: string): Promise<{ pid: number; said: string }> {
  const script = `
    import { ENGINES } from ${JSON.stringify(fileURLToPath(new URL('../../src/laboratory/engines/index.ts', import.meta.url)))};
    const laboratory = await ENGINES.find((kind) => kind.id === ${JSON.stringify(id)}).open();
    const session = await laboratory.session();
    await session.run('CREATE TABLE t (id int)');
    await session.begin({ level: 'serializable' });
    await session.run('INSERT INTO t VALUES (1)');
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  await new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
        if (said.includes('ready')) resolve();
      });
    }
    child.once('exit', () => resolve());
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  return { pid: child.pid ?? 0, said };
}

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('interleave-postgresql-'));

/** Reads until nothing is left, or gives what is. */
async function settled(read: () => Promise<unknown[]> | unknown[]): Promise<unknown[]> {
  let left = await read();
  for (let i = 0; i < 100 && left.length > 0; i++) {
    await delay(50);
    left = await read();
  }
  return left;
}

describe('nothing is left behind', () => {
  test('of the embedded PostgreSQL when its process is killed: the server ends by itself', async ({ skip }) => {
    const before = new Set(folders());
    const { said } = await openAndKill('postgresql-embedded');
    if (said.includes('EngineAbsent')) return skip(said);
    expect(said).toContain('ready');
    expect(await settled(() => folders().filter((name) => !before.has(name)))).toEqual([]);
  });

  test('on a PostgreSQL server after the next start', async ({ skip }) => {
    const address = process.env.INTERLEAVE_POSTGRES_URL;
    if (!address) return skip('INTERLEAVE_POSTGRES_URL is not set');
    const { pid, said } = await openAndKill('postgresql-server');
    expect(said).toContain('ready');
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    const name = `${SCRATCH_PREFIX}${pid}_%`;
    const left = async () => {
      const { rows } = await client.query(
        'SELECT datname AS name FROM pg_database WHERE datname LIKE $1 UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE $1',
        [name],
      );
      return rows;
    };
    try {
      expect(await left()).toHaveLength(2);
      const sessions = 'SELECT FROM pg_stat_activity WHERE application_name LIKE $1';
      expect(await settled(async () => (await client.query(sessions, [name])).rows)).toEqual([]);
      await (await engine('postgresql-server').open()).close();
      expect(await left()).toEqual([]);
    } finally {
      await client.end();
    }
  });

  test('on a MariaDB or MySQL server after the next start', async ({ skip }) => {
    const address = process.env.INTERLEAVE_MYSQL_URL;
    if (!address) return skip('INTERLEAVE_MYSQL_URL is not set');
    const { pid, said } = await openAndKill('mysql-server');
    expect(said).toContain('ready');
    const client = await mysql.createConnection(address);
    const name = `${SCRATCH_PREFIX}${pid}_%`.replaceAll('_', '\\_');
    const left = async () => {
      const [rows] = await client.query<mysql.RowDataPacket[]>(
        'SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ? UNION ALL SELECT user FROM mysql.user WHERE user LIKE ?',
        [name, name],
      );
      return rows;
    };
    try {
      expect((await left()).length).toBeGreaterThanOrEqual(2);
      const sessions = 'SELECT id FROM information_schema.processlist WHERE db LIKE ?';
      expect(await settled(async () => (await client.query<mysql.RowDataPacket[]>(sessions, [name]))[0])).toEqual([]);
      await delay(100);
      await (await engine('mysql-server').open()).close();
      expect(await left()).toEqual([]);
    } finally {
      await client.end();
    }
  });

  test('after a laboratory is closed in the middle of work', async () => {
    for (const kind of ENGINES) {
      try {
        const laboratory = await kind.open();
        const [first, second] = [await laboratory.session(), await laboratory.session()];
        await first.run('CREATE TABLE t (id int PRIMARY KEY)');
        await first.run('INSERT INTO t VALUES (1)');
        await first.begin({ level: 'read-committed' });
        await first.run('DELETE FROM t');
        await second.begin({ level: 'read-committed' });
        const waiting = second.run('DELETE FROM t');
        await laboratory.close();
        // It fails, or goes on for a moment when the first session is ended before it; it is never left hanging.
        await waiting;
        expect(await first.run('SELECT 1')).toMatchObject({ kind: 'failure' });
      } catch (error) {
        if (!(error instanceof EngineAbsent)) throw error;
      }
    }
  });
});
