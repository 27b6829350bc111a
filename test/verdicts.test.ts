import { describe, expect, test } from 'vitest';
import type { DesignInput } from '../src/design/design.ts';
import { assess } from './support/assess.ts';

describe('statements that commit alone are not atomic with what others do meanwhile', () => {
  test('INSERT ... WHERE NOT EXISTS inserts twice', async () => {
    const review = await assess({
      schema: 'CREATE TABLE subs (id int PRIMARY KEY, user_id int, plan text)',
      operations: [
        {
          name: 'subscribe',
          transaction: 'none',
          steps: ["INSERT INTO subs SELECT :id, 7, 'pro' WHERE NOT EXISTS (SELECT 1 FROM subs WHERE user_id = 7)"],
          runs: [{ id: 1 }, { id: 2 }],
        },
      ],
      properties: [{ invariant: 'SELECT count(*) <= 1 FROM subs WHERE user_id = 7' }],
    });
    expect(review.verdict).toBe('broken');
  });

  test('UPDATE with a sub-select claims one job twice at READ COMMITTED', async () => {
    const review = await assess({
      schema:
        "CREATE TABLE jobs (id int PRIMARY KEY, status text, runs int); INSERT INTO jobs VALUES (1, 'queued', 0), (2, 'queued', 0)",
      operations: [
        {
          name: 'claim',
          transaction: 'none',
          steps: [
            "UPDATE jobs SET status = 'running', runs = runs + 1 WHERE id = (SELECT id FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1)",
          ],
          runs: [{}, {}],
        },
      ],
      properties: [{ name: 'no job runs twice', invariant: 'SELECT max(runs) <= 1 FROM jobs' }],
    });
    expect(review.findings[0]?.says).toContain('(1, running, 2)');
  });
});

describe('sound designs are called sound', () => {
  const sound: Readonly<Record<string, DesignInput>> = {
    'guarded update': {
      schema: 'CREATE TABLE a (id int PRIMARY KEY, b int); INSERT INTO a VALUES (1, 10)',
      operations: [
        { name: 'take', steps: ['UPDATE a SET b = b - :n WHERE id = 1 AND b >= :n'], runs: [{ n: 7 }, { n: 6 }] },
      ],
      properties: [{ invariant: 'SELECT min(b) >= 0 FROM a' }],
    },
    'lock before the check': {
      schema: 'CREATE TABLE a (id int PRIMARY KEY, b int); INSERT INTO a VALUES (1, 10)',
      operations: [
        {
          name: 'take',
          steps: ['b := SELECT b FROM a WHERE id = 1 FOR UPDATE', 'if b >= n: UPDATE a SET b = b - :n WHERE id = 1'],
          runs: [{ n: 7 }, { n: 6 }],
        },
      ],
      properties: [{ invariant: 'SELECT min(b) >= 0 FROM a' }, { serializable: true }],
    },
    'SKIP LOCKED claims each job once': {
      schema: "CREATE TABLE jobs (id int PRIMARY KEY, state text); INSERT INTO jobs VALUES (1, 'ready'), (2, 'ready')",
      components: [{ name: 'mailer', kind: 'service' }],
      operations: [
        {
          name: 'work',
          steps: [
            "job := SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
            'if job != null: mailer.send(to: job)',
            "if job != null: UPDATE jobs SET state = 'done' WHERE id = :job",
          ],
          runs: [{}, {}],
        },
      ],
      properties: [{ 'at-most-once': 'mailer.send per job' }],
      faults: 0,
    },
    'unique key decides a race': {
      schema: 'CREATE TABLE users (email text PRIMARY KEY)',
      operations: [{ name: 'join', steps: ["INSERT INTO users VALUES ('a') ON CONFLICT DO NOTHING"], runs: [{}, {}] }],
      properties: [{ invariant: 'SELECT count(*) = 1 FROM users' }],
    },
  };

  test.each(Object.entries(sound))('%s', async (_, design) => {
    expect((await assess(design)).verdict).toBe('sound');
  });
});

describe('what cannot be decided is not called sound or broken', () => {
  const many: DesignInput = {
    schema: 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)',
    operations: [
      {
        name: 'add',
        steps: [
          'n := SELECT n FROM t WHERE id = 1 FOR UPDATE',
          'm = n + 1',
          'UPDATE t SET n = :m WHERE id = 1',
          'INSERT INTO t VALUES (:id, 0)',
        ],
        runs: [{ id: 2 }, { id: 3 }, { id: 4 }, { id: 5 }],
      },
      {
        name: 'again',
        steps: ['n := SELECT n FROM t WHERE id = 1 FOR UPDATE', 'm = n + 1', 'UPDATE t SET n = :m WHERE id = 1'],
        runs: [{}, {}, {}, {}],
      },
    ],
    properties: [{ serializable: true }],
  };

  test('eight correct requests in too little time', async () => {
    const review = await assess(many, undefined, 0.2);
    expect(review.verdict).toBe('not decided');
    expect(review.notes.holds).toBeUndefined();
    expect(review.notes['not decided']?.join()).toContain('serializable');
  });
});

describe('many operations', () => {
  const service: DesignInput = {
    schema: 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)',
    operations: Array.from({ length: 20 }, (_, i) => ({
      name: `op${i}`,
      steps:
        i === 7
          ? ['n := SELECT n FROM t WHERE id = 1', 'm = n + 1', 'UPDATE t SET n = :m WHERE id = 1']
          : [`UPDATE t SET n = n + 1 WHERE id = ${(i % 3) + 1}`],
    })),
  };

  test('are explored in pairs, and the pairs that break are named', async () => {
    const review = await assess(service);
    expect(review.verdict).toBe('broken');
    expect(review.findings[0]?.hazard).toBe('lost update');
    expect(review.findings[0]?.timeline.some((step) => step.by === 'op7')).toBe(true);
    expect(review.notes.bounds?.join()).toContain('190 of 190 pairs of 20 concurrent requests');
    expect(review.text.length / 4).toBeLessThanOrEqual(1500);
  });
});

describe('input that people really write', () => {
  test('an unquoted "if x: STEP" in YAML', async () => {
    const review = await assess(`
schema: CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 5)
operations:
  - name: take
    steps:
      - n := SELECT n FROM t WHERE id = 1
      - if n >= 5: UPDATE t SET n = n - 5 WHERE id = 1
    runs: [{}, {}]
properties:
  - invariant: SELECT n >= 0 FROM t
`);
    expect(review.verdict).toBe('broken');
  });

  test.each([
    [
      '$1 for a parameter',
      { schema: 'CREATE TABLE t (id int)', operations: [{ name: 'a', steps: ['DELETE FROM t WHERE id = $1'] }] },
      /write parameters as :name/,
    ],
    [
      'a verb that nobody calls',
      {
        components: [{ name: 'm', kind: 'service' }],
        operations: [{ name: 'a', steps: ['m.send(to: 1)'] }],
        properties: [{ 'at-most-once': 'm.sned' }],
      },
      /no step calls m\.sned; called are: m\.send/,
    ],
    [
      'a variable that is none',
      {
        components: [{ name: 'm', kind: 'service' }],
        operations: [{ name: 'a', steps: ['m.send(to: 1)'] }],
        properties: [{ 'at-most-once': 'm.send per usr' }],
      },
      /"usr" is no variable; there are: to/,
    ],
    [
      'an unknown field of an operation',
      { operations: [{ name: 'a', steps: ['SELECT 1'], params: {} }] },
      /An operation has: name, isolation, transaction, retries, steps, runs/,
    ],
    [
      'control characters in a name',
      { operations: [{ name: 'a\u001b[31m', steps: ['SELECT 1'] }] },
      /control characters/,
    ],
  ])('%s gets a clear error', async (_, design, message) => {
    await expect(assess(design as DesignInput)).rejects.toThrow(message);
  });
});

describe('for any data', () => {
  const take = (steps: string[]): DesignInput => ({
    schema: 'CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); INSERT INTO stock VALUES (1, 10)',
    operations: [{ name: 'take', steps, runs: [{ n: 7 }, { n: 6 }] }],
    properties: [{ invariant: 'SELECT min(qty) >= 0 FROM stock' }],
  });

  test('a guarded update is serializable at the present level', async () => {
    const review = await assess(take(['UPDATE stock SET qty = qty - :n WHERE sku = 1 AND qty >= :n']));
    expect(review.notes['any data']?.[0]).toMatch(/^Serializable for any data at the present levels/);
  });

  test('a read that is written back is not, and the weakest level that helps is named', async () => {
    const review = await assess(
      take([
        'q := SELECT qty FROM stock WHERE sku = 1',
        'left = q - n',
        'if q >= n: UPDATE stock SET qty = :left WHERE sku = 1',
      ]),
    );
    expect(review.notes['any data']?.[0]).toMatch(/^Not serializable for every data/);
    expect(review.notes['any data']?.join()).toContain('take REPEATABLE READ');
  });
});

describe('a counterexample has no request that it does not need', () => {
  const stock = (more: DesignInput['operations'], invariant: string): DesignInput => ({
    schema: 'CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); INSERT INTO stock VALUES (1, 10), (2, 10)',
    operations: [
      ...more,
      {
        name: 'take',
        steps: [
          'q := SELECT qty FROM stock WHERE sku = 1',
          'left = q - 4',
          'UPDATE stock SET qty = :left WHERE sku = 1',
        ],
        runs: [{}, {}],
      },
    ],
    properties: [{ invariant }],
  });

  test('one that touches another row is left out', async () => {
    const review = await assess(
      stock(
        [{ name: 'other', steps: ['UPDATE stock SET qty = qty + 1 WHERE sku = 2'] }],
        'SELECT qty <> 6 FROM stock WHERE sku = 1',
      ),
    );
    expect(review.findings[0]?.hazard).toBe('lost update');
    expect(review.findings[0]?.timeline.map((step) => step.by)).not.toContain('other');
  });

  test('a rule that wants all requests is not broken by leaving one out', async () => {
    const review = await assess(
      stock(
        [{ name: 'add', steps: ['UPDATE stock SET qty = qty + 8 WHERE sku = 1'] }],
        'SELECT qty = 10 FROM stock WHERE sku = 1',
      ),
    );
    expect(review.findings[0]?.hazard).toBe('lost update');
    expect(review.findings[0]?.timeline.length).toBeGreaterThan(4);
  });
});

describe('repairs read SQL as it is written by hand and by mappers', () => {
  test.each([
    [
      'postgresql 16',
      [
        'q := SELECT "qty" FROM public."stock" -- what is left\n WHERE "sku" = 1',
        'UPDATE "stock" SET "qty" = :left WHERE "sku" = 1',
      ],
    ],
    ['mysql 8', ['q := SELECT `qty` FROM `stock` WHERE `sku` = 1', 'UPDATE `stock` SET `qty` = :left WHERE `sku` = 1']],
  ])('%s', async (engine, [read, write]) => {
    const review = await assess({
      engine,
      schema: 'CREATE TABLE stock (sku int PRIMARY KEY, qty int NOT NULL); INSERT INTO stock VALUES (1, 10)',
      operations: [
        { name: 'take', steps: [read as string, 'left = q - n', write as string], runs: [{ n: 7 }, { n: 2 }] },
      ],
      properties: [{ invariant: 'SELECT qty = 1 FROM stock', when: 'all committed' }],
    });
    const holding = review.repairs.filter((one) => one.holds).map((one) => one.repair);
    expect(holding[0]).toMatch(/^One guarded UPDATE/);
    expect(holding.join()).toMatch(/Compare-and-set.*FOR UPDATE/);
  });
});
