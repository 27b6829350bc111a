import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type DesignInput, parseDesign } from '../../src/design/design.ts';
import type { Engine } from '../../src/design/engine.ts';
import { hasEnded, type Local, start } from '../../src/explorer/local.ts';
import { moves } from '../../src/explorer/process.ts';
import { compileDesign, type Program } from '../../src/explorer/program.ts';
import { Search } from '../../src/explorer/search.ts';
import { loadParser } from '../../src/sql/parse.ts';

const level = { name: 'READ COMMITTED', control: 'read-committed-mvcc' } as const;
const engine: Engine = {
  name: 'PostgreSQL',
  dialect: 'postgresql',
  defaultLevel: level.name,
  levels: [level],
  level: () => level,
};
const LIMITS = { states: 1e6, milliseconds: 20_000, faults: 0 };

beforeAll(loadParser);

const compile = (design: DesignInput) => compileDesign(parseDesign(design), engine);

/** Final situations by plain recursion over every order of steps, without numbers, memory or cleverness. */
function everyOrder(program: Program): Set<string> {
  const finals = new Set<string>();
  const visit = (components: readonly unknown[], locals: readonly Local[]) => {
    let moved = false;
    locals.forEach((local, i) => {
      for (const move of moves(program, i, local)) {
        for (const effect of move.perform(components[move.component])) {
          if (effect.fault) continue;
          moved = true;
          visit(
            components.map((state, c) => (c === move.component ? effect.state : state)),
            locals.map((other, p) => (p === i ? effect.local : other)),
          );
        }
      }
    });
    if (!moved) finals.add(JSON.stringify([components, locals]));
  };
  visit(
    [program.initial, ...program.components.map((component) => component.initial)],
    program.processes.map((_, i) => start(program, i)),
  );
  return finals;
}

async function searched(program: Program): Promise<Set<string>> {
  const finals = new Set<string>();
  const search = new Search(program);
  await search.run(LIMITS, (index, final) => {
    if (!final) return;
    const { components, locals } = search.world(index);
    finals.add(JSON.stringify([components, locals]));
  });
  return finals;
}

const storeStep = fc.constantFrom(
  "v := kv.read(key: 'x')",
  "kv.write(key: 'x', to: v + me)",
  "kv.write(key: 'y', to: me)",
  "v := kv.read(key: 'y')",
  'v = v + 1',
  'if v > 1: return v',
);
const sqlStep = fc.constantFrom(
  'v := SELECT n FROM t WHERE id = 1',
  'UPDATE t SET n = :v + 1 WHERE id = 1',
  'UPDATE t SET n = n + 1 WHERE id = 2',
  'v := SELECT sum(n) FROM t',
  'v := SELECT n FROM t WHERE id = 2 FOR UPDATE',
  'if v > 3: rollback',
  'INSERT INTO t VALUES (:me, 0) ON CONFLICT DO NOTHING',
);

describe('the search', () => {
  test('finds exactly the ends that plain enumeration of every order finds (stores)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(storeStep, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 }),
        async (operations) => {
          const program = await compile({
            components: [{ name: 'kv', kind: 'store', values: { x: 0, y: 0 } }],
            operations: operations.map((steps, i) => ({ name: `op${i}`, steps, runs: [{ me: i + 1, v: 0 }] })),
            properties: [{ invariant: 'true' }],
          });
          expect(await searched(program)).toEqual(everyOrder(program));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('finds exactly the ends that plain enumeration of every order finds (SQL with locks)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(sqlStep, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 2 }),
        async (operations) => {
          const program = await compile({
            schema: 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)',
            operations: operations.map((steps, i) => ({ name: `op${i}`, steps, runs: [{ me: i + 3, v: 0 }] })),
          });
          expect(await searched(program)).toEqual(everyOrder(program));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('visits by fewest switches, so that the first situation of a kind is the simplest', async () => {
    const steps = ["v := kv.read(key: 'x')", 'w = v + 1', "kv.write(key: 'x', to: w)"];
    const program = await compile({
      components: [{ name: 'kv', kind: 'store', values: { x: 0 } }],
      operations: [{ name: 'add', steps, runs: [{}, {}, {}] }],
      properties: [{ invariant: 'true' }],
    });
    const search = new Search(program);
    const switches: number[] = [];
    await search.run(LIMITS, (index) => {
      const path = search.path(index).map((step) => step.label.process);
      switches.push(path.filter((process, i) => i > 0 && process !== path[i - 1]).length);
    });
    expect(switches).toEqual(switches.toSorted((a, b) => a - b));
  });

  test('serial executions never interleave', async () => {
    const steps = ["v := kv.read(key: 'x')", 'w = v + 1', "kv.write(key: 'x', to: w)"];
    const program = await compile({
      components: [{ name: 'kv', kind: 'store', values: { x: 0 } }],
      operations: [{ name: 'add', steps, runs: [{}, {}, {}] }],
      properties: [{ invariant: 'true' }],
    });
    const search = new Search(program, true);
    let ends = 0;
    await search.run(LIMITS, (index, final) => {
      if (!final) return;
      ends++;
      const { components, locals } = search.world(index);
      expect(locals.every(hasEnded)).toBe(true);
      expect(program.components[0]?.view(components[1])).toEqual({ x: 3 });
    });
    expect(ends).toBeGreaterThan(0);
  });

  test.each([
    ['states', { states: 10 }],
    ['time', { milliseconds: 0 }],
  ] as const)('stops at the limit on %s and says so', async (stopped, limit) => {
    const steps = Array.from({ length: 8 }, () => "kv.write(key: 'x', to: me)");
    const program = await compile({
      components: [{ name: 'kv', kind: 'store' }],
      operations: [{ name: 'a', steps, runs: [{ me: 1 }, { me: 2 }, { me: 3 }, { me: 4 }] }],
      properties: [{ invariant: 'true' }],
    });
    expect(await new Search(program).run({ ...LIMITS, ...limit }, () => {})).toMatchObject({
      exhausted: false,
      stopped,
    });
  });
});
