import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineAbsent, type Laboratory } from '../../src/laboratory/engine.ts';
import { mysqlServer } from '../../src/laboratory/engines/mysql.ts';

/** Statements that try to get out of the scratch schema. */
const REFUSED: readonly string[] = [
  "LOAD DATA INFILE '/etc/passwd' INTO TABLE mine",
  "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE mine",
  "SELECT 'x' INTO OUTFILE '/tmp/stolen'",
  "SELECT 'x' INTO DUMPFILE '/tmp/stolen'",
  'CREATE DATABASE other',
  'DROP DATABASE mysql',
  'DROP DATABASE test',
  'CREATE TABLE test.other (id int)',
  'USE mysql',
  'SELECT * FROM mysql.user',
  'CREATE USER other',
  "SET PASSWORD FOR root@localhost = ''",
  'GRANT ALL ON *.* TO CURRENT_USER',
  'SET GLOBAL max_connections = 1',
  'SET GLOBAL innodb_deadlock_detect = OFF',
  "SET ROLE 'root'",
  'FLUSH TABLES WITH READ LOCK',
  'SHUTDOWN',
  "INSTALL SONAME 'ha_connect'",
  "CREATE FUNCTION f RETURNS INTEGER SONAME 'x.so'",
  'CREATE FUNCTION f() RETURNS INTEGER RETURN 1',
  'CREATE PROCEDURE p() SELECT 1',
  'CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO SELECT 1',
  'CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST "127.0.0.1")',
  'CHANGE MASTER TO MASTER_HOST = "127.0.0.1"',
  'SHOW BINARY LOGS',
  'SHOW ENGINE INNODB STATUS',
  'SELECT 1; SELECT 2',
];

describe('hostile SQL on a MariaDB or MySQL server', () => {
  let laboratory: Laboratory | undefined;
  let absent = '';
  beforeAll(async () => {
    try {
      const limits = { statement: 1_000, lock: 1_000, bytes: 32 * 1024 * 1024, answer: 100_000 };
      laboratory = await mysqlServer.open({ limits });
    } catch (error) {
      // An engine that should be here must not be skipped in silence.
      if (!(error instanceof EngineAbsent) || process.env.INTERLEAVE_MYSQL_URL) throw error;
      absent = error.message;
    }
  });
  afterAll(() => laboratory?.close());

  test('cannot leave the scratch schema', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const session = await laboratory.session();
    expect(await session.run('CREATE TABLE mine (line text)')).toMatchObject({ kind: 'answer' });
    for (const sql of REFUSED) expect(await session.run(sql), sql).toMatchObject({ kind: 'failure' });
    expect(await session.run("SELECT LOAD_FILE('/etc/passwd')")).toMatchObject({ rows: [[null]] });
    const schemas = await session.run('SHOW DATABASES');
    expect(schemas.kind === 'answer' && schemas.rows.length).toBe(2);
  });

  test('cannot see or end the sessions beside it', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const [first, second] = [await laboratory.session(), await laboratory.session()];
    expect(await first.run(`KILL ${second.id}`)).toMatchObject({ kind: 'failure', code: '1095' });
    expect(await second.run('SELECT 1')).toMatchObject({ kind: 'answer' });
    expect(await first.run('SHOW PROCESSLIST')).toMatchObject({ count: 1 });
  });

  test('is ended when it does not end, although it switched its own limits off', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const session = await laboratory.session();
    await session.run('SET SESSION max_statement_time = 0, innodb_lock_wait_timeout = 1000');
    expect(await session.run("SELECT BENCHMARK(100000000000, MD5('x'))")).toMatchObject({ code: 'LIMIT' });
    const next = await laboratory.session();
    const limited = await next.run('SELECT SLEEP(30)');
    expect(limited.kind === 'failure' || limited.rows[0]?.[0] === 1).toBe(true);
  });

  test('meets the time limit of locks', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const [first, second] = [await laboratory.session(), await laboratory.session()];
    await first.run('CREATE TABLE locked (id int PRIMARY KEY)');
    await first.run('INSERT INTO locked VALUES (1)');
    await first.run('START TRANSACTION');
    await first.run('DELETE FROM locked');
    expect(await second.run('DELETE FROM locked')).toMatchObject({ code: expect.stringMatching(/^(1205|1969)$/) });
    await first.run('ROLLBACK');
  });

  test('cannot fill the disk or the memory', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const [filler, reader] = [await laboratory.session(), await laboratory.session()];
    await filler.run('SET SESSION max_statement_time = 0');
    await filler.run('CREATE TABLE filled (line longtext)');
    const rows =
      "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 900) SELECT REPEAT('x', 100000) FROM t";
    const much = await reader.run(rows);
    expect(much).toMatchObject({ code: 'LIMIT', message: expect.stringContaining('KiB') });
    let last = await filler.run(`INSERT INTO filled ${rows}`);
    for (let i = 0; i < 20 && last.kind === 'answer'; i++)
      last = await filler.run('INSERT INTO filled SELECT * FROM filled');
    expect(last).toMatchObject({ code: 'LIMIT' });
  });
});
