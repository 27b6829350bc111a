import { describe, expect, it } from 'vitest';
import type { ConcurrencyControl } from '../../src/vocabulary/concurrency-control.ts';
import { asText, Model } from '../support/model.ts';

const T = 'create table t (id int primary key, v int); insert into t values (1, 10), (2, 20)';

/** Runs `session: statement` lines in order; gives for each its rows, `waits` or an error's code. */
function course(model: Model, lines: readonly string[], control: ConcurrencyControl = 'read-committed-mvcc'): string[] {
  let state = model.initial;
  return lines.map((line) => {
    const [, session = '0', sql = ''] = /^(\d): (.*)$/s.exec(line) ?? [];
    const outcome = model.run(state, Number(session), control, sql);
    state = outcome.state;
    if (outcome.kind === 'waits') return 'waits';
    if (outcome.kind === 'error') return outcome.code;
    const { rows, count } = outcome.result;
    return rows.length > 0 ? rows.map((row) => row.map(asText).join(',')).join(' | ') : String(count);
  });
}

describe('savepoints', () => {
  it('take changes and locks back to where they were set', () => {
    const lines = [
      '0: update t set v = 11 where id = 1',
      '0: savepoint a',
      '0: update t set v = 12 where id = 1',
      '0: delete from t where id = 2',
      '0: insert into t values (3, 30)',
      '1: select v from t where id = 2 for update nowait',
    ];
    expect(course(new Model(T), lines).at(-1)).toBe('55P03');
    const after = [
      ...lines.slice(0, 5),
      '0: rollback to a',
      '1: select v from t where id = 2 for update nowait',
      '0: select * from t order by id',
    ];
    expect(course(new Model(T), after).slice(-2)).toEqual(['20', '1,11 | 2,20']);
    expect(course(new Model(T), [...after, '0: rollback to a', '0: release a', '0: rollback to a']).at(-1)).toBe(
      '3B001',
    );
  });
});

describe('deferrable constraints', () => {
  const schema = `create table p (id int primary key); create table c (id int primary key, p int references p deferrable initially deferred);
    create table o (id int primary key, n int unique deferrable); insert into o values (1, 1), (2, 2)`;
  it('are checked at commit', () => {
    expect(
      course(new Model(schema), ['0: insert into c values (1, 1)', '0: insert into p values (1)', '0: commit']),
    ).toEqual(['1', '1', '0']);
    expect(course(new Model(schema), ['0: insert into c values (1, 1)', '0: commit'])).toEqual(['1', '23503']);
  });
  it('are checked at the end of the statement where they are immediate', () => {
    expect(course(new Model(schema), ['0: update o set n = 3 - n', '0: commit'])).toEqual(['2', '0']);
    expect(course(new Model(schema), ['0: update o set n = 1'])).toEqual(['23505']);
    const deferred = [
      '0: set constraints all deferred',
      '0: update o set n = 1 where id = 2',
      '0: update o set n = 2 where id = 1',
      '0: commit',
    ];
    expect(course(new Model(schema), deferred)).toEqual(['0', '1', '1', '0']);
  });
  it('are checked at once by SET CONSTRAINTS IMMEDIATE', () => {
    expect(course(new Model(schema), ['0: insert into c values (1, 1)', '0: set constraints all immediate'])).toEqual([
      '1',
      '23503',
    ]);
  });
});

describe('tables locked as a whole', () => {
  it('keep writers out, not readers', () => {
    const lines = [
      '0: lock table t in exclusive mode',
      '1: select v from t where id = 1',
      '2: update t set v = 0 where id = 1',
      '0: commit',
      '2: update t set v = 0 where id = 1',
    ];
    expect(course(new Model(T), lines)).toEqual(['0', '10', 'waits', '0', '1']);
  });
  it('wait for those who wrote before', () => {
    const lines = [
      '0: update t set v = 0 where id = 1',
      '1: lock table t in share mode nowait',
      '1: lock t in access share mode',
    ];
    const model = new Model(T);
    model.plan('lock table t in share mode');
    expect(course(model, lines)).toEqual(['1', '55P03', '0']);
  });
  it('TRUNCATE waits for readers, and empties the table for older snapshots too', () => {
    const model = new Model(T);
    model.plan('truncate t');
    expect(course(model, ['0: select v from t where id = 1', '1: truncate t']).at(-1)).toBe('waits');
    const other = new Model(`${T}; create table s (id int)`);
    other.plan('truncate t');
    expect(
      course(other, ['0: select * from s', '1: truncate t', '1: commit', '0: select * from t'], 'snapshot').at(-1),
    ).toBe('0');
  });
});

describe('SET TRANSACTION ISOLATION LEVEL', () => {
  it('applies as the first statement and is an error later', () => {
    const lines = [
      '0: set transaction isolation level repeatable read',
      '0: select v from t where id = 1',
      '1: update t set v = 11 where id = 1',
      '1: commit',
      '0: select v from t where id = 1',
    ];
    expect(course(new Model(T), lines).at(-1)).toBe('10');
    expect(course(new Model(T), ['0: select 1', '0: set transaction isolation level serializable']).at(-1)).toBe(
      '25001',
    );
  });
});

describe('MERGE', () => {
  it('looks again at a row that changed while it waited', () => {
    const merge =
      'merge into t using (values (1, 5)) s (id, n) on t.id = s.id when matched and t.v > 10 then update set v = t.v + s.n when matched then delete when not matched then insert values (s.id, s.n)';
    const raised = [
      '0: update t set v = 50 where id = 1',
      `1: ${merge}`,
      '0: commit',
      `1: ${merge}`,
      '1: select v from t where id = 1',
    ];
    expect(course(new Model(T), raised)).toEqual(['1', 'waits', '0', '1', '55']);
    const gone = [
      '0: delete from t where id = 1',
      `1: ${merge}`,
      '0: commit',
      `1: ${merge}`,
      '1: select v from t where id = 1',
    ];
    expect(course(new Model(T), gone)).toEqual(['1', 'waits', '0', '1', '5']);
    expect(course(new Model(T), gone.slice(0, 4), 'snapshot').at(-1)).toBe('40001');
  });
});

/** Courses that PostgreSQL 15 took. */
describe('what a comparison with PostgreSQL taught', () => {
  const two =
    'create table t (id int primary key, v int); create table s (id int primary key, v int); insert into t values (1, 0), (2, 1); insert into s values (1, 1), (2, 2)';
  const family =
    'create table p (id int primary key, v int); create table c (id int primary key, pid int references p, v int); insert into p values (1, 0), (2, 1); insert into c values (1, 1, 0)';

  it('a row that changed must still fulfil the conditions of the join', () => {
    const read = '1: select t.id from t join s on s.id = t.v where t.id = 2 for update of t';
    expect(course(new Model(two), ['0: update t set v = 9 where id = 2', read, '0: commit', read])).toEqual([
      '1',
      'waits',
      '0',
      '0',
    ]);
  });
  it('queries of a statement do not see its own changes', () => {
    const sql = '0: with gone as (delete from s where id = 1 returning v) select count(*) from s';
    expect(course(new Model(two), [sql])).toEqual(['2']);
    expect(course(new Model(two), ['0: update t set v = (select max(v) from t) + 1 returning v'])).toEqual(['2 | 2']);
  });
  it('a row that is gone is not locked', () => {
    const gone = '1: delete from t where id = 2';
    const read = '2: select * from t where id = 2 for update';
    const lines = ['0: delete from t where id = 2', gone, read, '0: commit', gone, read];
    expect(course(new Model(two), lines)).toEqual(['1', 'waits', 'waits', '0', '0', '0']);
  });
  it('CHECK is looked at before waiting, on the version that the statement sees', () => {
    const model = new Model('create table t (id int primary key, v int check (v <= 3)); insert into t values (1, 3)');
    expect(course(model, ['0: update t set v = 0', '1: update t set v = v + 1'])).toEqual(['1', '23514']);
  });
  it('a foreign key check keeps its own snapshot while it waits', () => {
    const child = '1: insert into c values (5, 2, 0)';
    const lines = ['0: delete from p where id = 2', child, '0: insert into p values (2, 2)', '0: commit', child];
    expect(course(new Model(family), lines)).toEqual(['1', 'waits', '1', '0', '23503']);
  });
  it('REPEATABLE READ does not see a parent that came after its snapshot', () => {
    const lines = ['0: select 1', '1: insert into p values (3, 0)', '1: commit', '0: insert into c values (5, 3, 0)'];
    expect(course(new Model(family), lines, 'snapshot').at(-1)).toBe('23503');
  });
  it('a child that the transaction wrote before is checked again', () => {
    const lines = [
      '0: update c set v = 1 where id = 1',
      '1: delete from p where id = 1',
      '0: update c set v = 2 where id = 1',
    ];
    expect(course(new Model(family.replace('references p', 'references p on delete cascade')), lines)).toEqual([
      '1',
      'waits',
      'waits',
    ]);
  });
  it('ON CONFLICT looks at its own key before the others', () => {
    const model = new Model('create table u (id int primary key, k int unique); insert into u values (1, 1), (3, 3)');
    const lines = ['0: update u set k = 3 where id = 3', '1: insert into u values (3, 1) on conflict (k) do nothing'];
    expect(course(model, lines)).toEqual(['1', '0']);
  });
});
