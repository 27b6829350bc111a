import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DesignInput, parseDesign } from '../../src/design/design.ts';
import type { Laboratory } from '../../src/laboratory/engine.ts';
import { embeddedPostgresql } from '../../src/laboratory/engines/postgresql.ts';
import { enumerate, switches, type Unit } from '../../src/laboratory/orders/enumerate.ts';
import { exploreOrders } from '../../src/laboratory/orders/explore.ts';
import { Tables } from '../../src/laboratory/orders/footprint.ts';
import { bindSql, compileOperations } from '../../src/laboratory/orders/operation.ts';
import { Player } from '../../src/laboratory/orders/play.ts';

const DOCTORS: DesignInput = {
  schema: `CREATE TABLE doctors (id int PRIMARY KEY, shift int NOT NULL, on_call boolean NOT NULL);
    INSERT INTO doctors VALUES (1, 7, true), (2, 7, true);`,
  operations: [
    {
      name: 'leave',
      steps: [
        'n := SELECT count(*) FROM doctors WHERE shift = 7 AND on_call',
        'if n >= 2: UPDATE doctors SET on_call = false WHERE id = :me',
      ],
      runs: [{ me: 1 }, { me: 2 }],
    },
  ],
  properties: [
    { name: 'somebody is on call', invariant: 'SELECT count(*) >= 1 FROM doctors WHERE shift = 7 AND on_call' },
  ],
};

const COUNTER: DesignInput = {
  schema: 'CREATE TABLE counter (id int PRIMARY KEY, value int); INSERT INTO counter VALUES (1, 0);',
  operations: [
    {
      name: 'add',
      steps: ['v := SELECT value FROM counter WHERE id = 1', 'w = v + 1', 'UPDATE counter SET value = :w WHERE id = 1'],
    },
  ],
  properties: [{ invariant: 'SELECT value = 2 FROM counter', when: 'all committed' }, { serializable: true }],
};

describe('the orders of steps', () => {
  const unit = (reads: string[], writes: string[], ends = false): Unit => ({
    footprint: { reads: new Set([...reads, ...writes]), writes: new Set(writes), all: false },
    ends,
  });

  test('are all there without reduction, serial ones first', () => {
    const two = [unit([], ['a']), unit([], ['a'])];
    const { orders, more } = enumerate([two, two], 100, false);
    expect(orders).toHaveLength(6);
    expect(more).toBe(false);
    expect(orders.slice(0, 2).map(switches)).toEqual([1, 1]);
    expect(enumerate([two, two], 3, false)).toMatchObject({ more: true });
  });

  test('are left out where they only swap steps that cannot affect each other', () => {
    const apart = enumerate([[unit([], ['a']), unit([], ['a'])], [unit([], ['b'])]], 100);
    expect(apart.orders).toEqual([[0, 0, 1]]);
    const readers = enumerate([[unit(['a'], [])], [unit(['a'], [])]], 100);
    expect(readers.orders).toHaveLength(1);
    const ends = enumerate([[unit(['a'], [], true)], [unit(['b'], [], true)]], 100);
    expect(ends.orders).toHaveLength(2);
  });

  test('depend on the tables that statements name', () => {
    const tables = new Tables(`CREATE TABLE a (id int); CREATE TABLE b (id int REFERENCES c); CREATE TABLE c (id int)`);
    const writes = (sql: string) => [...tables.footprint(sql).writes];
    expect(writes('SELECT * FROM a')).toEqual([]);
    expect(writes('SELECT * FROM a FOR NO KEY UPDATE')).toEqual(['a']);
    expect(writes('UPDATE a SET id = 1')).toEqual(['a']);
    expect(writes('INSERT INTO b VALUES (1)')).toEqual(writes('DELETE FROM c'));
    expect(tables.footprint("SELECT 'a', count(*) FROM c").all).toBe(false);
    expect([...tables.footprint("SELECT 'a'").reads]).toEqual([]);
    expect(tables.footprint('SELECT pg_advisory_lock(1)').all).toBe(true);
    expect(tables.footprint('DELETE FROM unknown').all).toBe(true);
    expect(new Tables('CREATE TABLE a (id int); CREATE TRIGGER t').footprint('SELECT 1 FROM a').all).toBe(true);
  });

  test('take parameters as literals', () => {
    const bound = bindSql("SELECT :a, ':a', :b::int - :c, :d", { a: "it's", b: 1, c: -2, d: null }, 'postgresql');
    expect(bound).toBe("SELECT 'it''s', ':a', 1::int - (-2), NULL");
    expect(bindSql('SELECT :a', { a: "\\' OR 1" }, 'mysql')).toBe("SELECT '\\\\'' OR 1'");
    expect(() => bindSql('SELECT :a', {}, 'postgresql')).toThrow('"a" has no value');
  });
});

describe('a design on PostgreSQL', () => {
  let laboratory: Laboratory;
  beforeAll(async () => {
    laboratory = await embeddedPostgresql.open();
  });
  afterAll(() => laboratory?.close());

  test('shows the write skew at every level but SERIALIZABLE, with the reads of both', async () => {
    const reports = await exploreOrders(laboratory, parseDesign(DOCTORS));
    expect(reports.map(({ level, violations }) => [level, violations > 0])).toEqual([
      ['read-uncommitted', true],
      ['read-committed', true],
      ['repeatable-read', true],
      ['serializable', false],
    ]);
    expect(reports[2]?.violation).toMatchObject({ broken: ['somebody is on call'] });
    expect(reports[2]?.violation?.transcript.filter((line) => line.endsWith('-> (2)'))).toHaveLength(2);
    expect(reports[3]?.failures['40001']).toBeGreaterThan(0);
    expect(reports.every(({ problems, more }) => problems === 0 && !more)).toBe(true);
  });

  test('shows the lost update, and that FOR UPDATE mends it at READ COMMITTED', async () => {
    const [weak, strong] = await exploreOrders(laboratory, parseDesign(COUNTER), {
      levels: ['READ COMMITTED', 'repeatable read'],
    });
    expect(weak?.violation?.broken).toEqual(['SELECT value = 2 FROM counter', 'serializable']);
    expect(strong).toMatchObject({ violations: 0, problems: 0 });
    const [operation] = COUNTER.operations;
    const steps = operation?.steps.map((step) => step.replace('id = 1', 'id = 1 FOR UPDATE')) ?? [];
    const locked = {
      ...COUNTER,
      operations: [{ name: 'add', steps: [steps[0] ?? '', ...(operation?.steps.slice(1) ?? [])] }],
    };
    const [mended] = await exploreOrders(laboratory, parseDesign(locked), { levels: ['read-committed'] });
    expect(mended).toMatchObject({ violations: 0, problems: 0, failures: {} });
    expect(mended?.waited).toBeGreaterThan(0);
  });

  test('reports progress, and stops when it is cancelled', async () => {
    const stop = new AbortController();
    const progress = (done: number) => {
      if (done === 3) stop.abort(new Error('enough'));
    };
    const running = exploreOrders(laboratory, parseDesign(COUNTER), { progress, signal: stop.signal });
    await expect(running).rejects.toThrow('enough');
    const [again] = await exploreOrders(laboratory, parseDesign(COUNTER), { levels: ['serializable'] });
    expect(again?.problems).toBe(0);
  });

  test('says what only the model can run', async () => {
    const service = { ...COUNTER, properties: [{ 'at-most-once': 'psp.charge per request' }] };
    await expect(exploreOrders(laboratory, parseDesign(service))).rejects.toThrow(/at-most-once.*model only/);
    await expect(exploreOrders(laboratory, parseDesign(COUNTER), { levels: ['chaos'] })).rejects.toThrow(
      /no isolation level "chaos". It has: READ UNCOMMITTED/,
    );
    const wrong = { ...COUNTER, schema: 'CREATE TABLE counter (id int,)' };
    const [report] = await exploreOrders(laboratory, parseDesign(wrong), { levels: ['serializable'] });
    expect(report?.problem).toMatch(/schema: 42601/);
  });

  test('has the same outcomes with the reduced orders as with all', async () => {
    const statements = [
      'x := SELECT sum(v) FROM a',
      'y := SELECT sum(v) FROM b',
      'UPDATE a SET v = v + 1 WHERE id = 1',
      'UPDATE b SET v = v + 1 WHERE id = 1',
      'UPDATE a SET v = 7 WHERE v > 10',
      'INSERT INTO b SELECT max(id) + 1, 5 FROM a',
      'SELECT v FROM b WHERE id = 1 FOR UPDATE',
      'DELETE FROM b WHERE v = 20',
    ];
    const schema = `CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 10), (2, 20);
      CREATE TABLE b (id int PRIMARY KEY, v int); INSERT INTO b VALUES (1, 10), (2, 20);`;
    const steps = fc.array(fc.constantFrom(...statements), { minLength: 1, maxLength: 3 });
    const level = fc.constantFrom('read-committed', 'repeatable-read', 'serializable');
    let saved = 0;
    await fc.assert(
      fc.asyncProperty(steps, steps, level, async (first, second, at) => {
        const operations = parseDesign({
          operations: [
            { name: 'p', steps: first },
            { name: 'q', steps: second },
          ],
        }).operations;
        const tables = new Tables(schema);
        const processes = compileOperations(operations, tables);
        const player = new Player(laboratory, schema, tables.names);
        const outcomes = async (reduce: boolean) => {
          const { orders } = enumerate(
            processes.map((process) => process.units),
            1_000,
            reduce,
          );
          const found = new Set<string>();
          for (const order of orders) {
            const { state, ends, logs, problem } = await player.play(processes, order, at, async () => []);
            expect(problem).toBeUndefined();
            // What an aborted transaction had read by then does not count: SERIALIZABLE may abort it a step later.
            const reads = [...logs].filter(([name]) => ends.get(name) === 'committed');
            found.add(JSON.stringify([state, [...ends].sort(), reads]));
          }
          return { found, orders: orders.length };
        };
        const [reduced, full] = [await outcomes(true), await outcomes(false)];
        await player.close();
        saved += full.orders - reduced.orders;
        expect([...reduced.found].sort()).toEqual([...full.found].sort());
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 12), seed: Number(process.env.FC_SEED ?? 20261122), endOnFailure: true },
    );
    expect(saved).toBeGreaterThan(0);
  }, 60_000);
});
