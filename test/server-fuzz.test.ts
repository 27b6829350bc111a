import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { UNEXPECTED } from '../src/mcp/failure.ts';
import type { AnyTool } from '../src/tools/any-tool.ts';
import { tools as real } from '../src/tools/index.ts';
import { connectInProcess, textOf } from './support/clients.ts';
import { EXAMPLES } from './support/examples.ts';
import { echo } from './support/tools.ts';

const RUNS = 300;
const catalogue = loadCatalogue();
const tools: readonly AnyTool[] = [...real, echo];
const reported: unknown[] = [];
let tried = 0;
let client: Awaited<ReturnType<typeof connectInProcess>>;
beforeAll(async () => {
  client = await connectInProcess({ tools, catalogue: () => catalogue, report: (error) => reported.push(error) });
});
afterAll(async () => {
  await client.close();
  console.log(`fuzzed calls: ${tried}`);
});

/** Calls a tool; the answer must be a result or an error that says something, without path, stack or surprise. */
async function call(name: string, input: Record<string, unknown>): Promise<void> {
  tried++;
  const result = await client.callTool({ name, arguments: input });
  const text = textOf(result);
  const shown = JSON.stringify(input).slice(0, 300);
  expect(text, shown).not.toBe(UNEXPECTED);
  expect(text.length, shown).toBeGreaterThan(10);
  if (result.isError) {
    expect(text, shown).not.toMatch(/\n\s+at |node_modules|\/src\/|file:\/\//);
    expect(text.length, shown).toBeLessThan(6000);
  } else {
    expect(result.structuredContent, shown).toBeDefined();
  }
}

/** `value` with one place inside it replaced. */
function replaceSomewhere(value: unknown, at: number, replacement: unknown): unknown {
  const places: (readonly PropertyKey[])[] = [];
  const walk = (inner: unknown, path: readonly PropertyKey[]) => {
    places.push(path);
    if (inner !== null && typeof inner === 'object')
      for (const key of Object.keys(inner)) walk((inner as Record<string, unknown>)[key], [...path, key]);
  };
  walk(value, []);
  const path = places[1 + (at % Math.max(1, places.length - 1))] ?? [];
  const copy = structuredClone(value) as Record<PropertyKey, unknown>;
  let inner = copy;
  for (const key of path.slice(0, -1)) inner = inner[key] as Record<PropertyKey, unknown>;
  const last = path.at(-1);
  if (last !== undefined) inner[last] = replacement;
  return copy;
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', '\0', '\u202e', '{{x}}', "'; --"),
);

describe.each(tools.map((tool) => [tool.name, tool] as const))('%s', (name, tool) => {
  const names = Object.keys(tool.input.shape);
  const examples = EXAMPLES[name] ?? [{}];

  test('survives arguments of any name, type and depth', async () => {
    const key = fc.oneof(
      fc.constantFrom(...names),
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', 'toString'),
    );
    const arguments_ = fc.dictionary(key, fc.oneof(fc.jsonValue({ maxDepth: 4 }), anyText), { maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(arguments_, (input) => call(name, input as Record<string, unknown>)),
      { numRuns: RUNS },
    );
  }, 60_000);

  test('survives good arguments with one bad place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...examples),
        fc.nat(1000),
        fc.oneof(fc.jsonValue({ maxDepth: 2 }), anyText),
        (example, at, replacement) => call(name, replaceSomewhere(example, at, replacement) as Record<string, unknown>),
      ),
      { numRuns: RUNS },
    );
  }, 120_000);

  test('survives huge and deep values', async () => {
    const deep = (levels: number) => JSON.parse('{"a":['.repeat(levels) + ']}'.repeat(levels));
    for (const argument of names) {
      await call(name, { [argument]: 'x'.repeat(10_000_000) });
      await call(name, { [argument]: '['.repeat(100_000) });
      await call(name, { [argument]: `${'['.repeat(5_000)}${']'.repeat(5_000)}` });
      await call(name, { [argument]: deep(500) });
      await call(name, { [argument]: Array.from({ length: 50_000 }, (_, index) => index) });
    }
    await call(name, Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index])));
  }, 120_000);
});

test('nothing unforeseen happened', () => {
  expect(reported).toEqual([]);
});
