import { describe, expect, test } from 'vitest';
import type { DesignInput } from '../src/design/design.ts';
import { assessConsistency } from '../src/tools/assess-consistency.ts';
import { assess, context } from './support/assess.ts';

const doctors: DesignInput = {
  engine: 'postgresql 16',
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

const charge: DesignInput = {
  schema: 'CREATE TABLE requests (id text PRIMARY KEY, response text)',
  components: [{ name: 'psp', kind: 'service' }],
  operations: [
    {
      name: 'charge',
      retries: 1,
      transaction: 'none',
      steps: [
        'seen := SELECT response FROM requests WHERE id = :request',
        'if seen != null: return seen',
        'r := psp.charge(amount: 100)',
        'INSERT INTO requests VALUES (:request, :r)',
        'return r',
      ],
      runs: [{ request: 'r1' }],
    },
  ],
  properties: [{ 'at-most-once': 'psp.charge per request' }],
};

const letters = (text: string) => text.replace(/\s+/g, '');
const repair = (review: Awaited<ReturnType<typeof assess>>, words: RegExp) =>
  review.repairs.find((one) => words.test(one.repair));

describe('a write skew', () => {
  test('is found with the shortest timeline, in the words of the design', async () => {
    const review = await assess(doctors);
    expect(review.verdict).toBe('broken');
    const [finding] = review.findings;
    expect(finding?.hazard).toBe('write skew');
    expect(finding?.property).toBe('somebody is on call');
    expect(finding?.says).toContain('doctors = (1, 7, false) (2, 7, false)');
    // Two statements and a commit each: no shorter execution breaks it.
    expect(finding?.timeline).toHaveLength(6);
    expect(finding?.timeline.filter((step) => step.step === 'COMMIT')).toHaveLength(2);
    expect(finding?.evidence.join()).toMatch(/READ COMMITTED: G2-item possible \(.*hermitage/);
  });

  test('is repaired by locks and by SERIALIZABLE, and not by REPEATABLE READ', async () => {
    const review = await assess(doctors);
    expect(repair(review, /FOR UPDATE/)).toMatchObject({ holds: true, note: 'no aborts; may wait' });
    expect(repair(review, /^SERIALIZABLE/)).toMatchObject({ holds: true, note: expect.stringContaining('40001') });
    expect(repair(review, /^REPEATABLE READ/)?.holds).toBe(false);
    expect(review.repairs.findIndex((one) => one.holds)).toBe(0);
  });

  test('is no longer there at SERIALIZABLE: a sound verdict says within which bounds', async () => {
    const review = await assess({ ...doctors, isolation: 'serializable' });
    expect(review.verdict).toBe('sound');
    expect(review.findings).toEqual([]);
    expect(review.repairs).toEqual([]);
    expect(review.notes.holds).toEqual(['somebody is on call']);
    expect(review.notes.bounds?.join()).toMatch(/space exhausted; 2 concurrent requests/);
  });

  test('comes back when one of the writers stays at a weaker level', async () => {
    const [leave] = doctors.operations;
    const mixed = {
      ...doctors,
      operations: [
        { ...leave, name: 'leave', isolation: 'serializable', runs: [{ me: 1 }] },
        { ...leave, name: 'import', isolation: 'read committed', runs: [{ me: 2 }] },
      ],
    } as DesignInput;
    expect((await assess(mixed)).verdict).toBe('broken');
  });
});

describe('a retried payment', () => {
  test('charges twice when the answer is lost after the effect', async () => {
    const review = await assess(charge);
    const [finding] = review.findings;
    expect(finding).toMatchObject({ hazard: 'duplicate effect', severity: 'critical' });
    expect(finding?.timeline.find((step) => step.fault)?.result).toContain('the answer is lost');
    expect(finding?.says).toBe('psp.charge took effect 2 times for request r1');
  });

  test('is repaired by a key that the service recognises, not by isolation', async () => {
    const review = await assess(charge);
    expect(repair(review, /key derived from request/)).toMatchObject({
      holds: true,
      change: ['r := psp.charge(amount: 100, key: request)'],
    });
    expect(repair(review, /Claim request/)?.holds).toBe(true);
    expect(repair(review, /^SERIALIZABLE/)?.holds).toBe(false);
    expect(repair(review, /One transaction/)?.holds).toBe(false);
  });

  test('the derived key, written into the design, is sound', async () => {
    const repaired = {
      ...charge,
      components: [{ name: 'psp', kind: 'service', idempotencyKey: 'key' }],
      operations: [
        {
          ...charge.operations[0],
          steps: charge.operations[0]?.steps.map((step) =>
            String(step).replace('amount: 100', 'amount: 100, key: request'),
          ),
        },
      ],
    } as DesignInput;
    expect((await assess(repaired)).verdict).toBe('sound');
  });

  test('without a retry asks whether anybody retries, because the answer changes the verdict', async () => {
    const { retries: _, ...once } = charge.operations[0] as NonNullable<(typeof charge.operations)[0]>;
    const review = await assess({ ...charge, operations: [once] });
    expect(review.verdict).toBe('sound');
    expect(review.notes.questions?.join()).toMatch(/call charge again.*If yes: broken \(duplicate effect\)/);
  });
});

describe('repairs', () => {
  const stock: DesignInput = {
    schema: `CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); CREATE TABLE orders (id int PRIMARY KEY, qty int);
      INSERT INTO stock VALUES (1, 10);`,
    operations: [
      {
        name: 'reserve',
        steps: [
          'q := SELECT qty FROM stock WHERE sku = 1',
          'left = q - n',
          'if q >= n: UPDATE stock SET qty = :left WHERE sku = 1',
          'if q >= n: INSERT INTO orders VALUES (:id, :n)',
        ],
        runs: [
          { id: 1, n: 1 },
          { id: 2, n: 3 },
        ],
      },
    ],
    properties: [{ invariant: 'SELECT (SELECT qty FROM stock) + (SELECT coalesce(sum(qty), 0) FROM orders) = 10' }],
  };

  test('fold read, check and write into one guarded UPDATE', async () => {
    const review = await assess(stock);
    expect(review.findings[0]?.hazard).toBe('lost update');
    expect(review.repairs[0]).toMatchObject({
      repair: 'One guarded UPDATE instead of read, check and write',
      change: [
        'changed := UPDATE stock SET qty = qty - :n WHERE sku = 1 AND qty >= :n',
        'if changed == 1: INSERT INTO orders VALUES (:id, :n)',
      ],
    });
  });

  test('REPEATABLE READ holds on PostgreSQL and not on MySQL', async () => {
    const onPostgresql = await assess({ ...stock, isolation: 'repeatable read' });
    const onMysql = await assess({ ...stock, engine: 'mysql 8.0', isolation: 'repeatable read' });
    expect([onPostgresql.verdict, onMysql.verdict]).toEqual(['sound', 'broken']);
  });

  test('a constraint keeps a rule that no check in the application keeps', async () => {
    const review = await assess({
      schema: 'CREATE TABLE users (id int PRIMARY KEY, email text)',
      operations: [
        {
          name: 'register',
          steps: [
            'n := SELECT count(*) FROM users WHERE email = :email',
            'if n == 0: INSERT INTO users VALUES (:id, :email)',
          ],
          runs: [
            { id: 1, email: 'a@example.org' },
            { id: 2, email: 'a@example.org' },
          ],
        },
      ],
      properties: [{ invariant: 'SELECT count(*) = count(DISTINCT email) FROM users' }],
    });
    expect(review.findings[0]?.hazard).toBe('phantom');
    expect(review.repairs[0]).toMatchObject({ holds: true, change: ['CREATE UNIQUE INDEX ON users (email)'] });
    // There is no row yet that could be locked.
    expect(repair(review, /FOR UPDATE/)?.holds).toBe(false);
  });

  test('a rule that breaks without concurrency is called a logic error', async () => {
    const review = await assess({
      schema: 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)',
      operations: [{ name: 'take', steps: ['UPDATE t SET n = n - 1 WHERE id = 1'], runs: [{}, {}] }],
      properties: [{ invariant: 'SELECT n >= 0 FROM t' }],
    });
    expect(review.findings[0]?.hazard).toBe('logic error');
  });
});

describe('what is not given', () => {
  test('properties are assumed and named', async () => {
    const review = await assess({ ...doctors, properties: [] });
    expect(review.verdict).toBe('broken');
    expect(review.notes.assumptions?.join()).toContain('No property was given; checked: serializable');
  });

  test('runs of a single operation: it races with itself, and the answer says so', async () => {
    const review = await assess({
      schema: 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)',
      operations: [
        { name: 'bump', steps: ['n := SELECT n FROM t WHERE id = 1', 'm = n + 1', 'UPDATE t SET n = :m WHERE id = 1'] },
      ],
      properties: [{ when: 'all committed', invariant: 'SELECT n = 2 FROM t' }],
    });
    expect(review.findings[0]?.hazard).toBe('lost update');
    expect(review.notes.assumptions?.join()).toContain('Two requests of the operation run at the same time');
  });
});

describe('input', () => {
  test('may be YAML text', async () => {
    const yaml = `
schema: CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)
operations:
  - name: bump
    steps: [UPDATE t SET n = n + 1 WHERE id = 1]
    runs: [{}, {}]
properties:
  - invariant: SELECT n = 2 FROM t
`;
    expect((await assess(yaml)).verdict).toBe('sound');
  });

  test.each([
    ['an unknown field', { operations: [{ name: 'a', steps: ['SELECT 1'], isolatoin: 'x' }] }, /isolatoin/],
    ['a step that is nothing', { operations: [{ name: 'a', steps: ['do the thing'] }] }, /is none of: SQL, component/],
    [
      'a table that is not there',
      { operations: [{ name: 'a', steps: ['SELECT x FROM nowhere'] }] },
      /no table "nowhere"/,
    ],
    [
      'a column that is not there',
      { schema: 'CREATE TABLE t (id int)', operations: [{ name: 'a', steps: ['SELECT y FROM t'] }] },
      /no column "y".*t\.id/,
    ],
    ['SQL that is not SQL', { operations: [{ name: 'a', steps: ['SELECT FROM WHERE'] }] }, /cannot be parsed/],
    [
      'a variable without value',
      { schema: 'CREATE TABLE t (id int)', operations: [{ name: 'a', steps: ['SELECT id FROM t WHERE id = :me'] }] },
      /"me" has no value/,
    ],
    [
      'an unknown engine',
      { engine: 'frobnicate', operations: [{ name: 'a', steps: ['SELECT 1'] }] },
      /engine "frobnicate" is not known/,
    ],
    [
      'a level that the engine lacks',
      { engine: 'postgresql', isolation: 'snapshoot', operations: [{ name: 'a', steps: ['SELECT 1'] }] },
      /no isolation level "snapshoot"/,
    ],
    ['an unknown component', { operations: [{ name: 'a', steps: ['mail.send(to: 1)'] }] }, /no component "mail"/],
    ['no operations', {}, /operations/],
  ])('%s gets an error that says what is wrong', async (_, design, message) => {
    await expect(assess(design as DesignInput)).rejects.toThrow(message);
  });

  test('SQL that the interpreter lacks is named, not skipped', async () => {
    const review = await assess({
      schema: 'CREATE TABLE t (id int PRIMARY KEY, n int)',
      operations: [{ name: 'a', steps: ["SELECT id FROM t WHERE to_tsvector('a') @@ to_tsquery('b')"] }],
    });
    expect(review.verdict).toBe('not analysed');
    expect(review.notes['not analysed']?.join()).toMatch(/operation a, step .*: function to_ts(vector|query)/);
  });
});

describe('the answer', () => {
  test('fits into 1,500 tokens in both channels', async () => {
    for (const design of [doctors, charge]) {
      const { text, ...structured } = await assess(design);
      expect(text.length / 4).toBeLessThanOrEqual(1500);
      expect(JSON.stringify(structured).length / 4).toBeLessThanOrEqual(1500);
    }
  });

  test('has the same facts as text and as structure', async () => {
    const { text, findings, repairs } = await assess(doctors);
    const words = text.replace(/\s+/g, ' ');
    for (const finding of findings) {
      expect(words).toContain(finding.says);
      // A step may be broken into lines beside another column.
      for (const step of finding.timeline) expect(letters(text)).toContain(letters(step.step).slice(0, 20));
    }
    for (const one of repairs) expect(words).toContain(one.repair);
  });

  test('can draw the timeline as Mermaid', async () => {
    const review = await assess(doctors, 'mermaid');
    expect(review.findings[0]?.diagram).toMatch(/^sequenceDiagram\n {2}participant P1 as leave#35;1/);
  });

  test('a cancelled call ends with an error, not with a verdict', async () => {
    const aborter = new AbortController();
    aborter.abort();
    const runs = Array.from({ length: 4 }, (_, me) => ({ me }));
    const design = {
      ...doctors,
      operations: [
        { ...doctors.operations[0], runs },
        { name: 'again', steps: doctors.operations[0]?.steps, runs: runs.slice(0, 3) },
      ],
    };
    const input = assessConsistency.input.parse({ design });
    await expect(assessConsistency.run(input, { ...context, signal: aborter.signal })).rejects.toThrow(/cancelled/);
  });
});
