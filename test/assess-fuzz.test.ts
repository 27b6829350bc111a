import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ToolError } from '../src/tools/tool.ts';
import { assess } from './support/assess.ts';

const word = fc.constantFrom('a', 'b', 'n', 'id', 'x', '"', "'", ';', '--', '🦆', 'null', '');
const expression = fc.oneof(
  fc.constantFrom('n > 1', 'n == null', 'a + b', 'size(x) > 0', '1 / 0', 'x.y.z', 'n'),
  fc.string({ maxLength: 12 }),
);
const sql = fc.oneof(
  fc.constantFrom(
    'SELECT n FROM t WHERE id = 1',
    'n := SELECT n FROM t WHERE id = :id',
    'n[] := SELECT id FROM t',
    '(a, b) := SELECT id, n FROM t',
    'n := SELECT count(*) FROM t FOR UPDATE',
    'UPDATE t SET n = n + 1',
    'UPDATE t SET n = :n WHERE id = :id',
    'INSERT INTO t VALUES (:id, 1)',
    'INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n',
    'DELETE FROM t WHERE n > 1',
    'DELETE FROM t USING t AS u WHERE u.id = t.id',
    'SELECT 1 / n FROM t',
    'SAVEPOINT a',
    'ROLLBACK TO a',
    'SELECT pg_advisory_xact_lock(1)',
    'TRUNCATE t',
    'SELECT * FROM nowhere',
    'LOCK TABLE t',
    'SELECT n FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
    'MERGE INTO t USING (SELECT 1 AS id) s ON s.id = t.id WHEN MATCHED THEN DELETE',
  ),
  fc
    .array(fc.oneof(fc.constantFrom('SELECT', 'FROM', 't', 'WHERE', '(', ')', '=', ',', '*'), word), { maxLength: 8 })
    .map((words) => `SELECT ${words.join(' ')}`),
);
const call = fc.constantFrom(
  "kv.write(key: 'k', to: 1)",
  "v := kv.read(key: 'k')",
  'psp.pay(amount: n)',
  'psp.pay()',
  'm := q.receive()',
  'q.ack()',
  'q.publish(message: id)',
  'l.acquire()',
  'l.release()',
  'kv.read()',
  'l.steal()',
  'ghost.do()',
);
const runnable = fc.constantFrom(
  'n := SELECT n FROM t WHERE id = 1',
  'n := SELECT sum(n) FROM t',
  'ids[] := SELECT id FROM t ORDER BY id',
  'n := SELECT n FROM t WHERE id = 2 FOR UPDATE',
  'UPDATE t SET n = n + 1 WHERE id = 1',
  'UPDATE t SET n = 5 WHERE id = 2',
  'DELETE FROM t WHERE id = 1',
  'INSERT INTO t VALUES (7, 1) ON CONFLICT (id) DO NOTHING',
  'INSERT INTO t VALUES (8, 1)',
  "kv.write(key: 'k', to: 1)",
  "v := kv.read(key: 'k')",
  'psp.pay(amount: 1)',
  'm := q.receive()',
  'q.ack()',
  'q.publish(message: 2)',
  'l.acquire()',
  'l.release()',
  'rollback',
  'return 1',
  'w = 1',
);
/** Mostly steps that can run; now and then one that cannot. */
const step = fc.oneof(
  { weight: 20, arbitrary: runnable },
  {
    weight: 1,
    arbitrary: fc.oneof(
      sql,
      call,
      fc.constantFrom(
        'begin',
        'commit',
        'rollback',
        'return n',
        'n = 1',
        'begin serializable',
        'begin chaos',
        'await SELECT id FROM t WHERE n > 1',
        '',
      ),
      expression,
      fc.record({ 'if n > 1': fc.constant('commit') }),
    ),
  },
);
const guarded = fc.oneof(
  { weight: 12, arbitrary: step },
  {
    weight: 1,
    arbitrary: fc
      .tuple(expression, step)
      .map(([condition, inner]) => `if ${condition}: ${typeof inner === 'string' ? inner : 'commit'}`),
  },
);

const operation = fc.record(
  {
    name: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 8 })),
    steps: fc.array(guarded, { minLength: 1, maxLength: 4 }),
    runs: fc.array(fc.record({ id: fc.integer({ min: 1, max: 3 }), n: fc.constantFrom(0, 1, null, 'x') }), {
      minLength: 1,
      maxLength: 2,
    }),
    isolation: fc.constantFrom(
      'read committed',
      'serializable',
      'serializable',
      'repeatable read',
      'repeatable read',
      'nonsense',
    ),
    transaction: fc.constantFrom('one', 'none'),
    retries: fc.integer({ min: 0, max: 1 }),
  },
  { requiredKeys: ['name', 'steps'] },
);

const property = fc.constantFrom(
  { invariant: 'SELECT count(*) >= 1 FROM t' },
  { invariant: 'SELECT n FROM t' },
  { invariant: "kv.k == 1 || !('k' in kv)" },
  { 'at-most-once': 'psp.pay per id' },
  { 'exactly-once': 'psp.pay' },
  { serializable: true },
  { 'all-or-nothing': true },
  { linearizable: 'kv' },
  { 'mutual-exclusion': 'l' },
  { invariant: "'; --" },
  { invariant: 'SELECT :id = 1' },
  {},
);

const design = fc.record(
  {
    engine: fc.constantFrom(
      'postgresql 16',
      'postgresql 16',
      'postgresql 16',
      'mysql 8',
      'mysql 8',
      'sql server',
      'sqlite',
      'oracle 19',
      'mongodb',
      'x',
    ),
    schema: fc.constantFrom(
      'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)',
      'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)',
      'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)',
      'CREATE TABLE t (id int, n int CHECK (n < 3))',
      'CREATE VIEW t AS SELECT 1',
      'garbage',
      '',
    ),
    components: fc.constant([
      { name: 'kv', kind: 'store' },
      { name: 'psp', kind: 'service' },
      { name: 'q', kind: 'queue', messages: [1] },
      { name: 'l', kind: 'lock' },
    ]),
    operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
    properties: fc.array(property, { maxLength: 2 }),
    faults: fc.integer({ min: 0, max: 1 }),
  },
  { requiredKeys: ['operations', 'schema', 'components'] },
);

test('any design gets an answer or an error that says what is wrong', { timeout: 120_000 }, async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(design, async (given) => {
      try {
        const review = await assess(given as never, undefined, 0.3);
        expect(['broken', 'sound', 'not decided', 'not analysed']).toContain(review.verdict);
        expect(review.text).not.toMatch(/\bundefined\b|\[object /);
        answered++;
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
        expect((error as Error).message.length).toBeGreaterThan(15);
        expect((error as Error).message).not.toMatch(/\.ts:|node_modules|at async/);
      }
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 300) },
  );
  expect(answered).toBeGreaterThan(20);
});
