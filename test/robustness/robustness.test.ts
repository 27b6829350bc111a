import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { engineOf } from '../../src/catalogue/engine.ts';
import { loadCatalogue } from '../../src/catalogue/load.ts';
import { type DesignInput, parseDesign } from '../../src/design/design.ts';
import { robustness } from '../../src/robustness/index.ts';
import { type TransactionCase, toDesign } from '../support/transaction-cases.ts';
import { service } from './service.ts';

const { databases } = loadCatalogue();
const review = (input: DesignInput, milliseconds = 20_000) => {
  const design = parseDesign(input);
  return robustness(design, engineOf(databases, design.engine, {}), milliseconds);
};
const weakest = async (input: DesignInput) =>
  Object.fromEntries((await review(input)).levels.map((level) => [level.operation, level.weakest]));

const doctors = 'CREATE TABLE doctors (id int PRIMARY KEY, shift int NOT NULL, on_call boolean NOT NULL)';
const leave = [
  'n := SELECT count(*) FROM doctors WHERE shift = 7 AND on_call',
  'if n >= 2: UPDATE doctors SET on_call = false WHERE id = :me',
];
const stock =
  'CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); CREATE TABLE orders (id int PRIMARY KEY, sku int, n int)';
const one = (schema: string, steps: string[], isolation?: string, engine = 'postgresql 16'): DesignInput => ({
  engine,
  schema,
  operations: [{ name: 'op', steps, ...(isolation && { isolation }) }],
});

describe('designs in SQL', () => {
  it('doctors on call: not robust at READ COMMITTED nor at REPEATABLE READ, with a witness', async () => {
    for (const isolation of ['read committed', 'repeatable read']) {
      const report = await review(one(doctors, leave, isolation));
      expect(report).toMatchObject({ analysed: true, robust: false, levels: [{ weakest: 'SERIALIZABLE' }] });
      expect(report.witness[0]).toContain('SELECT count(*)');
      expect(report.witness.at(-1)).toMatch(/^No serial order: op #1 read doctors row \d/);
    }
    expect(await review(one(doctors, leave, 'serializable'))).toMatchObject({ robust: true, witness: [] });
  });

  it('guarded decrement and upsert: robust at READ COMMITTED', async () => {
    const steps = [
      'r := UPDATE stock SET qty = qty - :n WHERE sku = :sku AND qty >= :n',
      'if r == 1: INSERT INTO orders VALUES (:order, :sku, :n)',
    ];
    expect(await review(one(stock, steps))).toMatchObject({ robust: true, levels: [{ weakest: 'READ COMMITTED' }] });
    const upsert = 'INSERT INTO stock VALUES (:sku, 1) ON CONFLICT (sku) DO UPDATE SET qty = stock.qty + 1';
    expect(await review(one(stock, [upsert]))).toMatchObject({ robust: true });
  });

  it('read, then write back: FOR UPDATE at READ COMMITTED is the read to strengthen', async () => {
    const steps = [
      'q := SELECT qty FROM stock WHERE sku = :sku',
      'left = q - 1',
      'UPDATE stock SET qty = :left WHERE sku = :sku',
    ];
    const report = await review(one(stock, steps));
    expect(report).toMatchObject({
      robust: false,
      levels: [{ weakest: 'REPEATABLE READ' }],
      promotion: {
        step: steps[0],
        change: expect.stringContaining('FOR UPDATE'),
        levels: [{ weakest: 'READ COMMITTED' }],
      },
    });
    expect(await review(one(stock, [`${steps[0]} FOR UPDATE`, ...steps.slice(1)]))).toMatchObject({ robust: true });
  });

  it('compare and set: robust when the row count is looked at, not when it is ignored', async () => {
    const read = 'q := SELECT qty FROM stock WHERE sku = :sku';
    const cas = 'r := UPDATE stock SET qty = :left WHERE sku = :sku AND qty = :q';
    const insert = 'INSERT INTO orders VALUES (:order, :sku, 1)';
    expect(await review(one(stock, [read, cas, 'if r == 0: rollback', insert]))).toMatchObject({ robust: true });
    expect(await review(one(stock, [read, cas, insert]))).toMatchObject({ robust: false });
  });

  it('a room that is locked first: enough at READ COMMITTED, not at REPEATABLE READ; updating it does both', async () => {
    const rooms =
      'CREATE TABLE room (id int PRIMARY KEY, v int); CREATE TABLE booking (id serial PRIMARY KEY, room int REFERENCES room(id), s int, e int)';
    const rest = [
      'n := SELECT count(*) FROM booking WHERE room = :room AND s < :e AND e > :s',
      'if n == 0: INSERT INTO booking (room, s, e) VALUES (:room, :s, :e)',
    ];
    const lock = ['SELECT id FROM room WHERE id = :room FOR UPDATE', ...rest];
    const update = ['UPDATE room SET v = v + 1 WHERE id = :room', ...rest];
    const robust = async (steps: string[], level: string) => (await review(one(rooms, steps, level))).robust;
    expect(await robust(lock, 'read committed')).toBe(true);
    expect(await robust(lock, 'repeatable read')).toBe(false);
    expect(await robust(update, 'read committed')).toBe(true);
    expect(await robust(update, 'repeatable read')).toBe(true);
    expect(await robust(rest, 'repeatable read')).toBe(false);
    const other = ['SELECT id FROM room WHERE id = :other FOR UPDATE', ...rest];
    expect(await robust(other, 'read committed')).toBe(false);
  });

  const account = 'c := SELECT cust_id FROM account WHERE name = :n';
  const savings = 's := SELECT balance FROM savings WHERE cust_id = :c';
  const checking = 'k := SELECT balance FROM checking WHERE cust_id = :c';
  const spend = 'UPDATE checking SET balance = balance - :v WHERE cust_id = :c';
  const smallBank = (promoted = (step: string) => step): DesignInput => ({
    engine: 'postgresql 16',
    schema: `CREATE TABLE account (name text PRIMARY KEY, cust_id int NOT NULL UNIQUE);
      CREATE TABLE savings (cust_id int PRIMARY KEY REFERENCES account(cust_id), balance int NOT NULL);
      CREATE TABLE checking (cust_id int PRIMARY KEY REFERENCES account(cust_id), balance int NOT NULL)`,
    operations: [
      {
        name: 'Am',
        steps: [
          account,
          'd := SELECT cust_id FROM account WHERE name = :m',
          'UPDATE savings SET balance = 0 WHERE cust_id = :c',
          'UPDATE checking SET balance = 0 WHERE cust_id = :c',
          'UPDATE checking SET balance = balance + :total WHERE cust_id = :d',
        ],
      },
      { name: 'Bal', steps: [account, savings, checking].map(promoted) },
      { name: 'DC', steps: [account, 'UPDATE checking SET balance = balance + :v WHERE cust_id = :c'] },
      { name: 'TS', steps: [account, 'UPDATE savings SET balance = balance + :v WHERE cust_id = :c'] },
      { name: 'WC', steps: [account, ...[savings, checking].map(promoted), spend] },
    ],
  });

  it('SmallBank in SQL has the published lowest levels with foreign keys', async () => {
    const [rc, ser] = ['READ COMMITTED', 'SERIALIZABLE'];
    expect(await weakest(smallBank())).toEqual({ Am: rc, Bal: ser, DC: rc, TS: ser, WC: ser });
  });

  it('SmallBank in SQL: locking all balance reads makes READ COMMITTED enough', async () => {
    const report = await review(smallBank((step) => (step === account ? step : `${step} FOR UPDATE`)));
    expect(report.robust).toBe(true);
  });

  it('what cannot be read is named and nothing is claimed', async () => {
    for (const [step, what] of [
      ['SELECT f(qty) FROM stock WHERE sku = 1', 'function f'],
      ['SELECT sku FROM stock WHERE qty > 0 LIMIT 1 FOR UPDATE SKIP LOCKED', 'SKIP LOCKED'],
      ['SELECT * FROM elsewhere', 'table elsewhere'],
      ['LOCK TABLE stock', 'Lock'],
      ['MERGE INTO stock s USING orders o ON s.sku = o.sku WHEN MATCHED THEN UPDATE SET qty = 0', 'Merge'],
    ] as const) {
      const report = await review(one(stock, [step]));
      expect(report.analysed).toBe(false);
      expect(report.robust).toBeUndefined();
      expect(report.gaps.join()).toContain(what);
    }
  });

  it('a level whose rules are not covered is said to be so; weaker and stronger ones are still compared', async () => {
    const report = await review(one(doctors, leave, undefined, 'mysql 8.0'));
    expect(report.robust).toBeUndefined();
    expect(report.gaps.join()).toContain('REPEATABLE READ');
    expect(report.levels).toMatchObject([{ weakest: 'SERIALIZABLE' }]);
  });

  it('stops at the time limit and says so', async () => {
    const report = await review(service(20), 1);
    expect(report.notes.join()).toContain('stopped after 1 ms');
  });

  it('a whole service is analysed', async () => {
    const report = await review(service(20));
    expect(report.levels).toHaveLength(20);
    expect(report.notes.join()).not.toContain('stopped');
  });
});

describe('recorded cases on PostgreSQL: never robust where a real run was not serializable', () => {
  const { cases } = JSON.parse(readFileSync('test/fixtures/transactions.json', 'utf8')) as { cases: TransactionCase[] };
  for (const given of cases) {
    it(given.id, async () => {
      for (const fix of [undefined, ...given.fixes]) {
        for (const level of ['RC', 'RR', 'SER']) {
          const cell = fix ? fix.verified[`pg.${level}`] : given.expected.pg?.[level];
          if (cell?.serializable !== false) continue;
          const report = await review(toDesign(given, 'pg', level, fix));
          expect(`${fix?.id ?? 'as it is'} ${level} ${report.robust}`).not.toContain('true');
        }
      }
    });
  }
});
