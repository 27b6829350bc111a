import { describe, expect, test } from 'vitest';
import type { DesignInput } from '../../src/design/design.ts';
import { assess } from '../support/assess.ts';

const repair = (review: Awaited<ReturnType<typeof assess>>, words: RegExp) =>
  review.repairs.find((one) => words.test(one.repair));

describe('lock', () => {
  const save: DesignInput = {
    components: [
      { name: 'lease', kind: 'lock' },
      { name: 'files', kind: 'store', values: { doc: '' } },
    ],
    operations: [
      {
        name: 'save',
        steps: [
          'lease.acquire()',
          "v := files.read(key: 'doc')",
          "files.write(key: 'doc', to: v + me)",
          'lease.release()',
        ],
        runs: [{ me: 'a' }, { me: 'b' }],
      },
    ],
    properties: [{ name: 'both edits are kept', invariant: 'size(files.doc) == 2', when: 'all committed' }],
  };

  test('a lease that expires under a paused holder loses an edit', async () => {
    const review = await assess(save);
    expect(review.findings[0]).toMatchObject({ hazard: 'zombie writer', severity: 'critical' });
    expect(review.findings[0]?.timeline.filter((step) => step.fault)).toHaveLength(1);
  });

  test('without expiry there is no counterexample', async () => {
    expect((await assess({ ...save, faults: 0 })).verdict).toBe('sound');
  });

  test('a fencing token that the store checks on reads and writes holds', async () => {
    expect(repair(await assess(save), /^Fencing/)).toMatchObject({ holds: true, note: 'the stale one is rejected' });
  });

  test('a token that is checked on writes alone does not: the older holder writes between read and write of the newer', async () => {
    const [lease] = save.components ?? [];
    const review = await assess({
      ...save,
      components: [
        lease as NonNullable<typeof lease>,
        { name: 'files', kind: 'store', values: { doc: '' }, fencing: true },
      ],
      operations: [
        {
          name: 'save',
          steps: [
            't := lease.acquire()',
            "v := files.read(key: 'doc')",
            "files.write(key: 'doc', to: v + me, token: t)",
            'lease.release()',
          ],
          runs: [{ me: 'a' }, { me: 'b' }],
        },
      ],
    });
    expect(review.verdict).toBe('broken');
  });
});

describe('cache', () => {
  test('a reader fills it with the old value after the invalidation', async () => {
    const review = await assess({
      schema: "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'old')",
      components: [{ name: 'cache', kind: 'cache' }],
      operations: [
        {
          name: 'read',
          transaction: 'none',
          steps: [
            "hit := cache.get(key: 'u1')",
            'if hit == null: n := SELECT name FROM users WHERE id = 1',
            "if hit == null: cache.set(key: 'u1', to: n)",
          ],
        },
        {
          name: 'rename',
          transaction: 'none',
          steps: ["UPDATE users SET name = 'new' WHERE id = 1", "cache.delete(key: 'u1')"],
        },
      ],
      properties: [
        {
          name: 'cache and table agree',
          invariant: "!('u1' in cache) || cache.u1 == name",
          let: { name: 'SELECT name FROM users WHERE id = 1' },
        },
      ],
      faults: 0,
    });
    expect(review.findings[0]?.hazard).toBe('stale cache fill');
    expect(review.findings[0]?.timeline.at(-1)?.step).toBe('cache.set(key: u1, to: old)');
  });
});

describe('queue and log', () => {
  const consume = (source: 'queue' | 'log', verbs: [string, string]): DesignInput => ({
    schema: 'CREATE TABLE credits (id int PRIMARY KEY, n int); INSERT INTO credits VALUES (1, 0)',
    components: [{ name: 'source', kind: source, ...(source === 'queue' ? { messages: [5] } : { entries: [5] }) }],
    operations: [
      {
        name: 'consume',
        transaction: 'none',
        retries: 1,
        steps: [`m := source.${verbs[0]}()`, 'UPDATE credits SET n = n + :m WHERE id = 1', `source.${verbs[1]}()`],
        runs: [{}],
      },
    ],
    properties: [{ name: 'credited once', invariant: 'SELECT n <= 5 FROM credits' }],
  });

  test.each([
    ['queue', ['receive', 'ack']],
    ['log', ['poll', 'save']],
  ] as const)(
    '%s: a crash between effect and acknowledgement applies the message twice; an inbox holds',
    async (source, [take, done]) => {
      const review = await assess(consume(source, [take, done]));
      expect(review.findings[0]?.hazard).toBe('duplicate effect');
      expect(repair(review, /^Inbox/)?.holds).toBe(true);
      expect(repair(review, /^SERIALIZABLE/)?.holds).toBe(false);
    },
  );

  test('a row and its message are a dual write when nothing commits both', async () => {
    const review = await assess({
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
      properties: [
        {
          name: 'every order is announced',
          invariant: 'bus.published == orders',
          let: { orders: 'SELECT count(*) FROM orders' },
        },
      ],
    });
    expect(review.findings[0]?.hazard).toBe('dual write');
    expect(review.findings[0]?.patterns).toContain('cdc');
  });
});

describe('store', () => {
  const kv = (options: Record<string, unknown>): DesignInput => ({
    components: [{ name: 'kv', kind: 'store', ...options }],
    operations: [
      { name: 'write', steps: ["kv.write(key: 'x', to: 1)"] },
      { name: 'read', steps: ["v := kv.read(key: 'x')"] },
    ],
  });

  test('quorums that do not overlap give stale reads; w + r > n does not', async () => {
    const review = await assess(kv({ n: 3, r: 1, w: 2 }));
    expect(review.findings[0]?.hazard).toBe('stale read');
    expect(repair(review, /w \+ r > n/)?.holds).toBe(true);
    expect((await assess(kv({ n: 3, r: 2, w: 2 }))).verdict).toBe('sound');
  });

  test('one copy is linearizable', async () => {
    expect((await assess(kv({}))).verdict).toBe('sound');
  });

  test('last-write-wins with a clock that is behind drops an acknowledged write', async () => {
    const review = await assess({
      components: [{ name: 'kv', kind: 'store', n: 3 }],
      operations: [
        { name: 'write', steps: ["kv.write(key: 'x', to: v)"], runs: [{ v: 1 }, { v: 2 }] },
        { name: 'read', steps: ["v := kv.read(key: 'x')"] },
      ],
      properties: [{ linearizable: 'kv' }],
    });
    expect(review.findings[0]?.hazard).toBe('ordering by wall clock');
  });
});

describe('properties', () => {
  const charge: DesignInput = {
    schema: 'CREATE TABLE done (id int PRIMARY KEY)',
    components: [{ name: 'psp', kind: 'service', idempotencyKey: 'key' }],
    operations: [
      {
        name: 'charge',
        transaction: 'none',
        steps: ['INSERT INTO done VALUES (:id)', 'psp.charge(amount: 1, key: id)'],
        runs: [{ id: 1 }],
      },
    ],
  };

  test('exactly-once also finds the effect that never comes', async () => {
    const review = await assess({ ...charge, properties: [{ 'exactly-once': 'psp.charge per id' }] });
    expect(review.findings[0]).toMatchObject({
      hazard: 'lost effect',
      says: 'psp.charge took effect 0 times for id 1',
    });
  });

  test('all-or-nothing finds the half that a crash leaves', async () => {
    const review = await assess({ ...charge, properties: [{ 'all-or-nothing': true }] });
    expect(review.findings[0]?.hazard).toBe('partial effect');
  });
});

describe('a component that is described wrongly', () => {
  const design = (component: Record<string, unknown>, step = 'x.read(key: 1)') =>
    ({
      components: [component],
      operations: [{ name: 'a', steps: [step] }],
      properties: [{ invariant: 'true' }],
    }) as unknown as DesignInput;

  test.each([
    [
      'an unknown kind',
      design({ name: 'x', kind: 'stroe' }),
      /kind "stroe" is unknown; kinds are service, store, cache, queue, log, lock, clock/,
    ],
    ['an unknown option', design({ name: 'x', kind: 'lock', ttl: 3 }), /Options of a lock: lease/],
    [
      'an unknown verb',
      design({ name: 'x', kind: 'store' }, 'x.fetch(key: 1)'),
      /no verb fetch; a store has read\(key\)/,
    ],
    ['a missing argument', design({ name: 'x', kind: 'store' }, 'x.read()'), /read needs the argument key/],
    [
      'a name that is there twice',
      {
        ...design({ name: 'x', kind: 'lock' }),
        components: [
          { name: 'x', kind: 'lock' },
          { name: 'x', kind: 'store' },
        ],
      } as DesignInput,
      /"x" is there twice/,
    ],
  ])('%s gets an error that says what is allowed', async (_, given, message) => {
    await expect(assess(given)).rejects.toThrow(message);
  });
});
