import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { emitSchema, type JsonSchema } from '../src/mcp/schema.ts';
import { INSTRUCTIONS } from '../src/server.ts';
import type { AnyTool } from '../src/tools/any-tool.ts';
import { tools as real } from '../src/tools/index.ts';
import { connectInProcess, textOf } from './support/clients.ts';
import { EXAMPLES } from './support/examples.ts';
import { fixtures } from './support/tools.ts';

const tools: readonly AnyTool[] = real;
const catalogue = loadCatalogue();
const tokens = (value: unknown) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value)) / 4;

/** Calls `visit` for each schema in `schema`, with the path to it. */
function walk(schema: unknown, visit: (schema: JsonSchema, path: string) => void, path = ''): void {
  if (Array.isArray(schema)) {
    for (const [index, inner] of schema.entries()) walk(inner, visit, `${path}[${index}]`);
  } else if (schema !== null && typeof schema === 'object') {
    visit(schema as JsonSchema, path);
    for (const [key, inner] of Object.entries(schema)) walk(inner, visit, `${path}.${key}`);
  }
}

describe.each([...tools, ...fixtures].map((tool) => [tool.name, tool as AnyTool] as const))('%s', (_, tool) => {
  test('has a name that hosts accept, also with the longest prefix', () => {
    expect(tool.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(`mcp__plugin_interleave_interleave__${tool.name}`.length).toBeLessThanOrEqual(64);
  });

  test('has strict input and output, so that no argument is dropped and no key breaks a client', () => {
    const loose: string[] = [];
    for (const io of ['input', 'output'] as const) {
      // As the server checks them; what is emitted for outputs is strict at the top only, which saves tokens.
      walk(z.toJSONSchema(tool[io], { io, reused: 'inline' }), (schema, path) => {
        if (schema.type === 'object' && 'properties' in schema && schema.additionalProperties !== false)
          loose.push(`${io}${path}`);
      });
      expect(emitSchema(tool[io], io).additionalProperties).toBe(false);
    }
    expect(loose).toEqual([]);
    expect(tool.input.safeParse({ ...EXAMPLES[tool.name]?.[0], surelyNotAnArgument: 1 }).success).toBe(false);
  });

  test('emits schemas that every client accepts', () => {
    const faults: string[] = [];
    for (const io of ['input', 'output'] as const) {
      const schema = emitSchema(tool[io], io);
      expect(schema.type).toBe('object');
      for (const key of ['oneOf', 'anyOf', 'allOf', 'not', 'enum']) expect(schema).not.toHaveProperty(key);
      walk(schema, (inner, path) => {
        for (const key of ['$schema', '$ref', '$defs', 'definitions', '$id', 'prefixItems', 'nullable', 'if', 'not'])
          if (key in inner && !path.endsWith('.properties')) faults.push(`${io}${path}: ${key}`);
        if (inner.type === 'null' || Array.isArray(inner.type)) faults.push(`${io}${path}: nullable`);
        if (inner.type === 'array' && !('items' in inner)) faults.push(`${io}${path}: array without items`);
        if (io === 'input' && inner.type === 'integer' && !('minimum' in inner && 'maximum' in inner))
          faults.push(`${io}${path}: unbounded integer`);
        for (const bound of [inner.minimum, inner.maximum])
          if (typeof bound === 'number' && Math.abs(bound) > 2 ** 31 - 1) faults.push(`${io}${path}: bound ${bound}`);
      });
    }
    expect(faults).toEqual([]);
  });

  test('has title, description and all annotations', () => {
    expect(tool.title.length).toBeGreaterThan(2);
    expect(tool.description.length).toBeGreaterThan(5);
    expect(Object.keys(tool.annotations).sort()).toEqual([
      'destructiveHint',
      'idempotentHint',
      'openWorldHint',
      'readOnlyHint',
    ]);
  });
});

describe('the tools of Interleave', () => {
  test('are described in at most 1,200 tokens together', async () => {
    const client = await connectInProcess({ tools, catalogue: () => catalogue });
    const { tools: listed } = await client.listTools();
    await client.close();
    const cost = Object.fromEntries(listed.map((tool) => [tool.name, Math.round(tokens(tool))]));
    console.log(`tool definitions: ${Math.round(tokens(listed))} tokens`, cost);
    expect(tokens(listed)).toBeLessThanOrEqual(1200);
  });

  test('are each named in the instructions', () => {
    for (const tool of tools) expect(INSTRUCTIONS).toContain(tool.name);
  });

  test('each has an example in test/support/examples.ts', () => {
    for (const tool of tools) expect(EXAMPLES[tool.name]?.length, tool.name).toBeGreaterThan(0);
  });
});

/** Leaves of a structured answer that carry a statement rather than a code. */
function sentences(value: unknown): string[] {
  if (typeof value === 'string') return /\s\S+\s/.test(value) ? [value] : [];
  if (value !== null && typeof value === 'object') return Object.values(value).flatMap(sentences);
  return [];
}

const flat = (text: string) => text.replace(/[\s|`*>-]+/g, ' ').toLowerCase();

const calls = tools.flatMap((tool) =>
  (EXAMPLES[tool.name] ?? []).map((input, index) => [tool.name, index, input] as const),
);

describe.runIf(calls.length > 0).each(calls)('%s, example %i', (name, _, input) => {
  let result: { content: { text: string }[]; structuredContent: z.core.util.JSONType; isError?: boolean };
  beforeAll(async () => {
    const client = await connectInProcess({ tools, catalogue: () => catalogue });
    result = (await client.callTool({ name, arguments: input })) as unknown as typeof result;
    await client.close();
  });

  test('is answered', () => {
    expect(result.isError, textOf(result)).toBeFalsy();
  });

  test('says all that the structured answer says in the text too', () => {
    const text = flat(textOf(result));
    const missing = sentences(result.structuredContent).filter((sentence) => !text.includes(flat(sentence)));
    expect(missing).toEqual([]);
  });

  test('costs at most 1,500 tokens in each channel, unless everything is asked for', () => {
    if (input.detail === 'full') return;
    expect(tokens(textOf(result)), 'text').toBeLessThanOrEqual(1500);
    expect(tokens(result.structuredContent), 'structured').toBeLessThanOrEqual(1500);
  });
});

test.runIf(tools.length > 0)(
  'every pattern and database can be read through a tool, for clients without resources',
  async () => {
    const client = await connectInProcess({ tools, catalogue: () => catalogue });
    const read = async (name: string, input: Record<string, unknown>, body: string) => {
      const result = await client.callTool({ name, arguments: { ...input, detail: 'full' } });
      const shown = JSON.stringify(input);
      expect(JSON.stringify(result.structuredContent), shown).toContain(JSON.stringify(body).slice(1, -1));
      expect(textOf(result), shown).toContain(body);
    };
    for (const { id, body } of catalogue.patterns.values()) await read('recommend-pattern', { id }, body);
    for (const { id, body } of catalogue.databases.values())
      await read('explain-isolation-level', { database: id }, body);
    await client.close();
  },
);
