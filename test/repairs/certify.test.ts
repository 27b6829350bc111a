import { describe, expect, test } from 'vitest';
import { engineOf } from '../../src/catalogue/engine.ts';
import { loadCatalogue } from '../../src/catalogue/load.ts';
import { type DesignInput, parseDesign } from '../../src/design/design.ts';
import { explore } from '../../src/explorer/explore.ts';
import { compileDesign } from '../../src/explorer/program.ts';
import { certify } from '../../src/repairs/certify.ts';
import { REPAIRS } from '../../src/repairs/index.ts';

const { databases, patterns } = loadCatalogue();
const limits = { states: 200_000, milliseconds: 20_000, faults: 1 };

/** Designs with a hazard each; between them every repair fits somewhere. */
const DESIGNS: Readonly<Record<string, DesignInput>> = {
  'lost update': {
    schema: 'CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); INSERT INTO stock VALUES (1, 10)',
    operations: [
      {
        name: 'take',
        steps: [
          'q := SELECT qty FROM stock WHERE sku = 1',
          'left = q - n',
          'if q >= n: UPDATE stock SET qty = :left WHERE sku = 1',
        ],
        runs: [{ n: 6 }, { n: 3 }],
      },
    ],
    properties: [{ invariant: 'SELECT qty = 1 FROM stock', when: 'all committed' }],
  },
  'row count ignored': {
    schema:
      'CREATE TABLE stock (sku int PRIMARY KEY, qty int, ver int); CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO stock VALUES (1, 1, 0)',
    operations: [
      {
        name: 'buy',
        steps: [
          '(q, v) := SELECT qty, ver FROM stock WHERE sku = 1',
          'if q >= 1: UPDATE stock SET qty = qty - 1, ver = ver + 1 WHERE sku = 1 AND ver = :v',
          'if q >= 1: INSERT INTO orders VALUES (:id)',
        ],
        runs: [{ id: 1 }, { id: 2 }],
      },
    ],
    properties: [{ invariant: 'SELECT (SELECT qty FROM stock) + (SELECT count(*) FROM orders) = 1' }],
  },
  'insert if absent': {
    schema: 'CREATE TABLE users (id int PRIMARY KEY, email text)',
    operations: [
      {
        name: 'join',
        steps: ["n := SELECT count(*) FROM users WHERE email = 'a'", "if n == 0: INSERT INTO users VALUES (:id, 'a')"],
        runs: [{ id: 1 }, { id: 2 }],
      },
    ],
    properties: [{ invariant: 'SELECT count(*) <= 1 FROM users' }],
  },
  'retried charge': {
    schema: 'CREATE TABLE done (request text)',
    components: [{ name: 'psp', kind: 'service' }],
    operations: [
      {
        name: 'charge',
        retries: 1,
        transaction: 'none',
        steps: ['psp.charge(amount: 1)', 'INSERT INTO done VALUES (:request)'],
        runs: [{ request: 'a' }],
      },
    ],
    properties: [{ 'at-most-once': 'psp.charge per request' }],
  },
  'two statements': {
    schema: 'CREATE TABLE a (n int); CREATE TABLE b (n int); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)',
    operations: [
      {
        name: 'set',
        transaction: 'none',
        steps: ['UPDATE a SET n = :v', 'UPDATE b SET n = :v'],
        runs: [{ v: 1 }, { v: 2 }],
      },
    ],
    properties: [{ invariant: 'SELECT (SELECT n FROM a) = (SELECT n FROM b)' }],
  },
  lease: {
    components: [
      { name: 'lease', kind: 'lock' },
      { name: 'kv', kind: 'store', values: { x: '' } },
    ],
    operations: [
      {
        name: 'add',
        steps: ['lease.acquire()', "v := kv.read(key: 'x')", "kv.write(key: 'x', to: v + me)", 'lease.release()'],
        runs: [{ me: 'a' }, { me: 'b' }],
      },
    ],
    properties: [{ invariant: 'size(kv.x) == 2', when: 'all committed' }],
  },
  quorum: {
    components: [{ name: 'kv', kind: 'store', n: 3, r: 1, w: 1 }],
    operations: [
      { name: 'write', steps: ["kv.write(key: 'x', to: 1)"] },
      { name: 'read', steps: ["v := kv.read(key: 'x')"] },
    ],
  },
  'dual write': {
    schema: 'CREATE TABLE orders (id int PRIMARY KEY)',
    components: [{ name: 'bus', kind: 'queue' }],
    operations: [
      {
        name: 'place',
        transaction: 'none',
        steps: ['INSERT INTO orders VALUES (:id)', 'bus.publish(message: id)'],
        runs: [{ id: 1 }],
      },
    ],
    properties: [{ invariant: 'bus.published >= orders', let: { orders: 'SELECT count(*) FROM orders' } }],
  },
  consumer: {
    schema: 'CREATE TABLE t (n int); INSERT INTO t VALUES (0)',
    components: [{ name: 'q', kind: 'queue', messages: [1] }],
    operations: [
      {
        name: 'consume',
        retries: 1,
        transaction: 'none',
        steps: ['m := q.receive()', 'UPDATE t SET n = n + :m', 'q.ack()'],
        runs: [{}],
      },
    ],
    properties: [{ invariant: 'SELECT n <= 1 FROM t' }],
  },
};

describe.each(Object.keys(DESIGNS))('repairs of %s', (name) => {
  test('those that hold, cheapest first, are sound when they are explored as designs of their own', async () => {
    const design = parseDesign(DESIGNS[name]);
    const engine = engineOf(databases, design.engine, {});
    const before = await explore(await compileDesign(design, engine), limits);
    expect(before.broken.length).toBeGreaterThan(0);
    const { tried } = await certify(design, engine, before, limits);
    const holding = tried.filter((result) => result.holds);
    expect(holding.length).toBeGreaterThan(0);
    expect(tried.findLastIndex((result) => result.holds)).toBe(holding.length - 1);
    for (const { design: repaired } of holding) {
      const again = await explore(await compileDesign(parseDesign(repaired), engine), limits);
      expect(again.broken).toEqual([]);
      expect(again.exhausted).toBe(true);
    }
    for (const result of tried)
      if (!result.holds && result.counterexample) expect(result.counterexample.path.length).toBeGreaterThan(0);
  });
});

test('every repair is tried for at least one of these designs', () => {
  const used = new Set(
    Object.values(DESIGNS).flatMap((given) => {
      const design = parseDesign(given);
      const engine = engineOf(databases, design.engine, {});
      return REPAIRS.filter((repair) => repair.apply(design, engine).length > 0).map((repair) => repair.id);
    }),
  );
  expect([...used].toSorted()).toEqual(REPAIRS.map((repair) => repair.id).toSorted());
});

test('every pattern that a repair names is in the catalogue', () => {
  for (const repair of REPAIRS)
    for (const id of repair.patterns) expect(patterns.has(id), `${repair.id}: ${id}`).toBe(true);
});
