import { describe, expect, it } from 'vitest';
import { NotAnalysed, SqlInputError } from '../../src/sql/errors.ts';
import type { Dialect } from '../../src/sql/parse.ts';
import { asText, Model } from '../support/model.ts';

/** Runs statements one after the other, each in its own transaction, and gives what the last one answers. */
function answer(schema: string, statements: readonly string[], dialect: Dialect = 'postgresql'): string {
  const model = new Model(schema, dialect);
  // A design's statements are all compiled before the first one runs.
  for (const sql of statements) model.plan(sql);
  let state = model.initial;
  let last = '';
  for (const sql of statements) {
    const outcome = model.run(state, 0, 'read-committed-mvcc', sql, true);
    state = outcome.state;
    last =
      outcome.kind === 'error'
        ? outcome.code
        : outcome.kind === 'waits'
          ? 'waits'
          : outcome.result.rows.map((row) => row.map((value) => asText(value) ?? 'NULL').join(',')).join(' | ');
  }
  return last;
}

const T = 'create table t (id int primary key, v int, name text); insert into t values (1, 10, null), (2, 20, null)';

describe('schema', () => {
  it('takes ALTER TABLE, comments, enumerated types, domains and sequences', () => {
    const schema = `create type colour as enum ('red', 'green'); create domain positive as int check (value > 0);
      create sequence numbers start with 7; create table a (id int primary key, c colour, n positive);
      alter table a add column extra text default 'x', add constraint big check (n < 100); comment on table a is 'none'`;
    expect(answer(schema, ["insert into a values (nextval('numbers'), 'red', 5) returning id, extra"])).toBe('7,x');
    expect(answer(schema, ["insert into a values (1, 'red', 0)"])).toBe('23514');
    expect(answer(schema, ["insert into a values (1, 'red', 100)"])).toBe('23514');
  });

  it.each([
    ['create view w as select 1', 'view'],
    ['create trigger x after insert on t for each row execute function f()', 'trigger'],
    ["create function f() returns int language sql as 'select 1'", 'function or procedure'],
    ['create table p (id int) partition by range (id)', 'partitioned or inherited tables'],
  ])('names what it lacks: %s', (sql, construct) => {
    expect(() => new Model(`${T}; ${sql}`)).toThrow(new NotAnalysed(construct));
  });
});

describe('statements', () => {
  it('draws from sequences outside the transaction', () => {
    const schema = `${T}; create sequence s`;
    expect(answer(schema, ["select nextval('s')", "select nextval('s')", "select currval('s')"])).toBe('2');
    expect(answer(schema, ["select setval('s', 40)", "select nextval('s')"])).toBe('41');
    expect(answer(schema, ["select currval('s')"])).toBe('55000');
  });

  it('gives old and new rows in RETURNING', () => {
    expect(answer(T, ['update t set v = v + 1 where id = 1 returning old.v, new.v, v'])).toBe('10,11,11');
    expect(answer(T, ['delete from t where id = 1 returning old.v, new.v'])).toBe('10,NULL');
  });

  it('knows WHEN NOT MATCHED BY SOURCE and merge_action()', () => {
    const merge = `merge into t using (values (1), (3)) s (id) on t.id = s.id when matched then update set v = 0
      when not matched then insert (id, v) values (s.id, 1) when not matched by source then delete returning merge_action(), t.id`;
    expect(answer(T, [merge])).toBe('UPDATE,1 | INSERT,3 | DELETE,2');
  });

  it.each([
    ['select * from missing', 'there is no table "missing"; the schema has: t'],
    ['select nope from t', 'there is no column "nope"; there are: t.id, t.v, t.name'],
    ['update t set nope = 1', 'table "t" has no column "nope"; it has: id, v, name'],
    ['selct 1', 'SQL cannot be parsed: syntax error'],
    ['select id from t where', 'SQL cannot be parsed: syntax error'],
  ])('says what is wrong with %s', (sql, message) => {
    const model = new Model(T);
    expect(() => model.plan(sql)).toThrow(SqlInputError);
    expect(() => model.plan(sql)).toThrow(message);
  });

  it.each([
    'select random()',
    'select xmin from t',
    'select percentile_cont(0.5) within group (order by v) from t',
    'select id from t group by rollup (id)',
    'copy t from stdin',
    "select to_tsvector('a') @@ to_tsquery('a')",
  ])('refuses %s by name', (sql) => {
    expect(() => new Model(T).plan(sql)).toThrow(NotAnalysed);
  });
});

describe('MySQL', () => {
  const schema =
    'CREATE TABLE `t` (`id` INT UNSIGNED NOT NULL AUTO_INCREMENT, `v` INT(11) DEFAULT 0, name VARCHAR(20) COLLATE utf8mb4_general_ci, PRIMARY KEY (`id`), UNIQUE KEY `uq_name` (`name`), KEY `v` (`v`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4; INSERT INTO t (v, name) VALUES (1, "Ann"), (2, \'Bob\')';
  it.each([
    [['INSERT IGNORE INTO t (id, v) VALUES (1, 5)', 'SELECT v FROM t WHERE id = 1'], '1'],
    [
      [
        'INSERT INTO t (name, v) VALUES ("ANN", 7) ON DUPLICATE KEY UPDATE v = v + VALUES(v)',
        'SELECT v FROM t WHERE id = 1',
      ],
      '8',
    ],
    [
      [
        'INSERT INTO t (name, v) VALUES ("ann", 7) AS new ON DUPLICATE KEY UPDATE v = new.v',
        'SELECT v FROM t WHERE id = 1',
      ],
      '7',
    ],
    [['INSERT INTO t SET name = "Cid", v = 3', 'SELECT LAST_INSERT_ID()'], '3'],
    [['REPLACE INTO t VALUES (9, 5, "bob")', 'SELECT id, v FROM t WHERE name = "BOB"'], '9,5'],
    [['UPDATE t ORDER BY id DESC LIMIT 1', 'SELECT 1'], 'SQL'],
    [['UPDATE t SET v = 99 ORDER BY id DESC LIMIT 1', 'SELECT v FROM t ORDER BY id'], '1 | 99'],
    [['DELETE FROM t WHERE v > 0 ORDER BY v LIMIT 1', 'SELECT id FROM t'], '2'],
    [['UPDATE t a JOIN t b ON b.id = a.id + 1 SET a.v = b.v * 10', 'SELECT v FROM t ORDER BY id'], '20 | 2'],
    [['DELETE a FROM t a JOIN t b ON b.id = a.id + 1 WHERE b.v = 2', 'SELECT id FROM t'], '2'],
    [['SELECT 7 / 2, IF(1 > 2, "a", "b"), IFNULL(NULL, 3), name = "aNN" FROM t WHERE id = 1'], '3.5,b,3,t'],
    [
      ["SELECT DATE_ADD('2024-01-31', INTERVAL 1 DAY), '2024-01-01' + INTERVAL 2 HOUR"],
      '2024-02-01 00:00:00,2024-01-01 02:00:00',
    ],
    [['SELECT GET_LOCK("a", 0), RELEASE_LOCK("a"), RELEASE_LOCK("a")'], '1,1,0'],
    [['SELECT id FROM t ORDER BY id LIMIT 1, 1 FOR UPDATE SKIP LOCKED'], '2'],
    [['SELECT id FROM t WHERE id = 1 LOCK IN SHARE MODE'], '1'],
    [['INSERT INTO t (id, name) VALUES (5, "bob")'], '1062'],
  ])('%s', (statements, expected) => {
    if (expected === 'SQL') expect(() => answer(schema, statements, 'mysql')).toThrow(SqlInputError);
    else expect(answer(schema, statements, 'mysql')).toBe(expected);
  });
});

describe('SQL Server', () => {
  const schema =
    "CREATE TABLE [dbo].[Items] ([Id] INT IDENTITY(1,1) PRIMARY KEY, [Name] NVARCHAR(20) NOT NULL, [Body] NVARCHAR(MAX), [On] BIT DEFAULT 1, At DATETIME2 DEFAULT GETDATE()); INSERT INTO Items (Name) VALUES (N'Ann'), (N'Bob')";
  it.each([
    [["SELECT TOP 1 [Name] FROM [Items] WITH (UPDLOCK, READPAST) WHERE Name = 'ANN' ORDER BY Id"], 'Ann'],
    [['SELECT TOP (1) Id FROM Items WITH (UPDLOCK, HOLDLOCK) ORDER BY Id DESC'], '2'],
    [["UPDATE Items WITH (ROWLOCK) SET Name = 'Cid' OUTPUT deleted.Name, inserted.Name WHERE Id = 1"], 'Ann,Cid'],
    [["INSERT INTO Items (Name) OUTPUT inserted.Id VALUES ('Dan')"], '3'],
    [["SELECT ISNULL(NULL, 'x'), LEN('ab '), GETDATE()"], 'x,2,2026-01-01 12:00:00'],
  ])('%s', (statements, expected) => {
    expect(answer(schema, statements, 'sqlserver')).toBe(expected);
  });
  it('refuses dirty reads by hint', () => {
    expect(() => new Model(schema, 'sqlserver').plan('SELECT * FROM Items WITH (NOLOCK)')).toThrow(NotAnalysed);
  });
});

describe('Oracle', () => {
  const schema =
    "CREATE TABLE items (id NUMBER(10) PRIMARY KEY, name VARCHAR2(20 CHAR), price NUMBER(8,2), at TIMESTAMP DEFAULT SYSTIMESTAMP); CREATE SEQUENCE ids; INSERT INTO items (id, name) VALUES (ids.NEXTVAL, 'Ann')";
  it.each([
    [['SELECT 7 / 2, NVL(NULL, 3), SYSDATE FROM dual'], '3.5,3,2026-01-01 12:00:00'],
    [
      ["INSERT INTO items (id, name) VALUES (ids.NEXTVAL, '')", 'SELECT id, name FROM items ORDER BY id'],
      '1,Ann | 2,NULL',
    ],
    [['SELECT id FROM items ORDER BY id FETCH FIRST 1 ROWS ONLY'], '1'],
    [['SELECT id FROM items MINUS SELECT 1 FROM dual'], ''],
  ])('%s', (statements, expected) => {
    expect(answer(schema, statements, 'oracle')).toBe(expected);
  });
});
