import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineAbsent, type Laboratory } from '../../src/laboratory/engine.ts';
import { ENGINES } from '../../src/laboratory/engines/index.ts';

/** Statements that try to get out of the scratch database, and the code with which each is refused. */
const REFUSED: readonly (readonly [sql: string, code: string])[] = [
  ["COPY mine FROM PROGRAM 'id'", '42501'],
  ["COPY mine TO PROGRAM 'cat > /tmp/stolen'", '42501'],
  ["COPY mine TO '/tmp/stolen'", '42501'],
  ["COPY mine FROM '/etc/passwd'", '42501'],
  ["SELECT pg_read_file('/etc/passwd')", '42501'],
  ["SELECT pg_read_binary_file('/etc/passwd')", '42501'],
  ["SELECT pg_ls_dir('/')", '42501'],
  ["SELECT lo_import('/etc/passwd')", '42501'],
  ['SELECT lo_create(1)', '42501'],
  ["SELECT lo_from_bytea(0, 'x')", '42501'],
  ['SET ROLE postgres', '42501'],
  ['SET SESSION AUTHORIZATION postgres', '42501'],
  ["ALTER SYSTEM SET work_mem = '1GB'", '42501'],
  ['CREATE EXTENSION dblink', '42501'],
  ['CREATE EXTENSION file_fdw', '42501'],
  ['CREATE EXTENSION hstore', '42501'],
  ["SELECT dblink_connect('dbname=postgres')", '42883'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system'", '42501'],
  ['CREATE LANGUAGE plpython3u', '(42501|0A000|58P01)'],
  ['CREATE DATABASE other', '42501'],
  ['DROP DATABASE postgres', '42501'],
  ['DROP DATABASE template1', '42501'],
  ['ALTER DATABASE postgres SET work_mem = 64', '42501'],
  ['CREATE ROLE other', '42501'],
  ['DROP ROLE postgres', '42501'],
  ['ALTER ROLE CURRENT_USER SUPERUSER', '42501'],
  ['ALTER ROLE CURRENT_USER CREATEDB', '42501'],
  ['GRANT pg_read_server_files TO CURRENT_USER', '42501'],
  ['CREATE SCHEMA other', '42501'],
  ['CREATE TABLE public.other (id int)', '42501'],
  ['CREATE TABLE pg_catalog.other (id int)', '42501'],
  ['SELECT rolpassword FROM pg_authid', '42501'],
  ['SELECT pg_terminate_backend(pid) FROM pg_stat_activity', '42501'],
  ['SELECT pg_cancel_backend(pid) FROM pg_stat_activity', '42501'],
  ["SELECT pg_logical_emit_message(false, 'a', 'b')", '42501'],
  ['SELECT pg_reload_conf()', '42501'],
  ["SET temp_file_limit = '-1'", '42501'],
  ["SET session_preload_libraries = 'x'", '42501'],
  ["LOAD '/tmp/x.so'", '42501'],
  ['CREATE SUBSCRIPTION s CONNECTION $$dbname=postgres$$ PUBLICATION p', '(42501|25001)'],
  ["SELECT pg_create_physical_replication_slot('x')", '42501'],
  ["DO $$ BEGIN EXECUTE $q$COPY mine FROM PROGRAM 'id'$q$; END $$", '42501'],
  ['DO $$ BEGIN EXECUTE $q$SET ROLE postgres$q$; END $$', '42501'],
];

/** Loops that switch the engine's limits off; only the watch from outside ends them. */
const ENDLESS = [
  'SELECT count(*) FROM generate_series(1, 100000000000)',
  'DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(10); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$',
  'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t',
];

describe.each(ENGINES.filter(({ id }) => id.startsWith('postgresql')))('hostile SQL on $id', ({ open }) => {
  let laboratory: Laboratory | undefined;
  let absent = '';
  beforeAll(async () => {
    try {
      laboratory = await open({ limits: { statement: 700, lock: 500, bytes: 48 * 1024 * 1024, answer: 100_000 } });
    } catch (error) {
      // An engine that should be here must not be skipped in silence.
      if (!(error instanceof EngineAbsent) || process.env.INTERLEAVE_POSTGRES_URL) throw error;
      absent = error.message;
    }
  });
  afterAll(() => laboratory?.close());

  test('cannot leave the scratch database', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const session = await laboratory.session();
    expect(await session.run('CREATE TABLE mine (line text)')).toMatchObject({ kind: 'answer' });
    for (const [sql, code] of REFUSED) {
      const reply = await session.run(sql);
      expect(reply, sql).toMatchObject({ kind: 'failure', code: expect.stringMatching(`^${code}$`) });
    }
    for (const sql of ['RESET ROLE', 'RESET SESSION AUTHORIZATION', 'SET ROLE NONE']) await session.run(sql);
    const who = await session.run(
      'SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = current_user',
    );
    expect(who).toMatchObject({ rows: [[false]] });
    const other = await session.run(
      'SELECT query FROM pg_stat_activity WHERE usename <> current_user AND query <> $$$$',
    );
    for (const [query] of other.kind === 'answer' ? other.rows : []) expect(query).toBe('<insufficient privilege>');
  });

  test('is ended when it does not end, although it switched its own limits off', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const sessions = await Promise.all(ENDLESS.map(() => (laboratory as Laboratory).session()));
    const replies = await Promise.all(
      ENDLESS.map(async (sql, i) => {
        await sessions[i]?.run('SET statement_timeout = 0');
        return sessions[i]?.run(sql);
      }),
    );
    for (const reply of replies) {
      // The recursion may reach the limit for temporary files first.
      expect(reply).toMatchObject({ kind: 'failure', code: expect.stringMatching(/^(LIMIT|53400)$/) });
    }
  });

  test('meets the time limits of statements and locks', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const [first, second] = [await laboratory.session(), await laboratory.session()];
    expect(await first.run('SELECT pg_sleep(10)')).toMatchObject({ code: '57014' });
    await first.run('CREATE TABLE locked (id int)');
    await first.run('BEGIN');
    await first.run('LOCK TABLE locked');
    expect(await second.run('SELECT * FROM locked')).toMatchObject({ code: '55P03' });
    await first.run('ROLLBACK');
  });

  test('cannot fill the disk or the memory', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const [filler, reader] = [await laboratory.session(), await laboratory.session()];
    await reader.run('SET statement_timeout = 0');
    const much = await reader.run("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)");
    expect(much).toMatchObject({ code: 'LIMIT', message: expect.stringContaining('KiB') });
    await filler.run('SET statement_timeout = 0');
    await filler.run('CREATE TABLE filled (line text)');
    const fill = 'INSERT INTO filled SELECT repeat(md5(i::text), 300) FROM generate_series(1, 500000) AS i';
    await filler.run('ALTER TABLE filled ALTER COLUMN line SET STORAGE EXTERNAL');
    expect(await filler.run(fill)).toMatchObject({ code: 'LIMIT' });
  });

  test('can destroy only what is its own', async ({ skip }) => {
    if (!laboratory) return skip(absent);
    const session = await laboratory.session();
    await session.run('DROP SCHEMA lab CASCADE');
    await laboratory.reset();
    const next = await laboratory.session();
    expect(await next.run('CREATE TABLE again (id int)')).toMatchObject({ kind: 'answer' });
  });
});
