import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { UNEXPECTED } from '../src/mcp/failure.ts';
import { buildServer, INSTRUCTIONS } from '../src/server.ts';
import { CLIENT_NAMES, connectInProcess, MODERN, textOf } from './support/clients.ts';
import { fixtures, stopped } from './support/tools.ts';

const reported: unknown[] = [];
const parts = { tools: fixtures, catalogue: () => loadCatalogue(), report: (error: unknown) => reported.push(error) };
beforeEach(() => {
  reported.length = 0;
});

describe.each(CLIENT_NAMES)('%s in process', (name) => {
  let client: Awaited<ReturnType<typeof connectInProcess>>;
  beforeEach(async () => {
    client = await connectInProcess(parts, name);
  });
  afterEach(() => client.close());

  test('learns who the server is and when to use it', () => {
    expect(client.getServerVersion()).toMatchObject({ name: 'interleave', title: 'Interleave' });
    expect(client.getInstructions()).toBe(INSTRUCTIONS);
    if (name.includes(MODERN)) expect(client.getNegotiatedProtocolVersion()).toBe(MODERN);
  });

  test('is offered nothing that the protocol has deprecated, and no change notifications that never come', () => {
    const capabilities = client.getServerCapabilities();
    expect(Object.keys(capabilities ?? {}).sort()).toEqual([
      'completions',
      'extensions',
      'prompts',
      'resources',
      'tools',
    ]);
    expect(JSON.stringify(capabilities)).not.toMatch(/"(listChanged|subscribe)":true/);
  });

  test('lists tools with title, all annotations and both schemas', async () => {
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(['echo', 'fail', 'slow']);
    for (const tool of tools) {
      expect(tool.title).toBeTruthy();
      expect(tool.annotations).toEqual({
        title: tool.title,
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      });
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });

  test('gets content and structured content', async () => {
    const result = await client.callTool({ name: 'echo', arguments: { text: 'a', count: 3 } });
    const given = JSON.stringify({ text: 'a', count: 3, detail: 'concise' });
    expect(result.structuredContent).toEqual({ given });
    expect(result.content).toEqual([{ type: 'text', text: given }]);
    expect(result.isError).toBeFalsy();
  });

  test('may send anything but text as a JSON string', async () => {
    const inner = { points: [{ x: 1, y: 2.5 }] };
    const either = { name: 'n', size: 4 };
    const result = await client.callTool({
      name: 'echo',
      arguments: {
        text: '["text stays text"]',
        count: '7',
        flag: 'true',
        list: '["a","b"]',
        map: '{"a":1}',
        inner: JSON.stringify({ points: JSON.stringify(inner.points) }),
        either: JSON.stringify(either),
      },
    });
    expect(JSON.parse((result.structuredContent as { given: string }).given)).toEqual({
      text: '["text stays text"]',
      count: 7,
      flag: true,
      list: ['a', 'b'],
      map: { a: 1 },
      inner,
      // A string is allowed here, so it is left alone.
      either: JSON.stringify(either),
      detail: 'concise',
    });
  });

  test('is told of every unusable argument: what was given, what is allowed, what to do', async () => {
    const result = await client.callTool({
      name: 'echo',
      arguments: {
        txt: 'a',
        count: 11,
        flag: 'perhaps',
        inner: { points: [{ x: 1, z: 2 }] },
        either: { nam: 'x' },
        detail: 'ful',
      },
    });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatchInlineSnapshot(`
      "The arguments of echo cannot be used:
      - inner.points[0]: "z" is unknown; did you mean "x"?; allowed: x, y
      - "txt" is unknown; did you mean "text"?; allowed: text, count, flag, list, map, inner, either, detail
      - text: is missing; expected string
      - count: Too big: expected number to be <=10; given 11
      - flag: Invalid input: expected boolean, received string; given "perhaps"
      - inner.points[0].y: is missing; expected number
      - either.name: is missing; expected string
      - either.size: is missing; expected number
      - either: "nam" is unknown; did you mean "name"?; allowed: name, size
      - detail: expected one of concise, full; given "ful"; did you mean "full"?
      Allowed: text (required), count, flag, list, map, inner, either, detail. Correct them and call echo again."
    `);
  });

  test.each(['expected', 'catalogue'] as const)('reads the message of an %s failure', async (how) => {
    const result = await client.callTool({ name: 'fail', arguments: { how } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/unknown; allowed: RC, RR|mine\.md: summary/);
    expect(reported).toEqual([]);
  });

  test.each(['unexpected', 'extra', 'render', 'thrown-text'] as const)(
    'reads no path and no stack when a failure is unforeseen: %s',
    async (how) => {
      const result = await client.callTool({ name: 'fail', arguments: { how } });
      expect(result.isError).toBe(true);
      expect(textOf(result)).toBe(UNEXPECTED);
      expect(JSON.stringify(result)).not.toMatch(/secret|node_modules|\.ts/);
      expect(reported).toHaveLength(1);
    },
  );

  test('is told of an unknown tool', async () => {
    await expect(client.callTool({ name: 'ech', arguments: {} })).rejects.toThrow(/not found/);
  });

  test('gets progress and may cancel', async () => {
    const seen: { progress: number; total?: number; message?: string }[] = [];
    await client.callTool({ name: 'slow', arguments: { steps: 30 } }, {
      onprogress: (progress: (typeof seen)[number]) => seen.push(progress),
    } as never);
    await vi.waitFor(() => expect(seen.at(-1)).toEqual({ progress: 30, total: 30, message: 'step 30' }));
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.length).toBeLessThan(15);
    expect(seen.map(({ progress }) => progress)).toEqual(
      [...seen.map(({ progress }) => progress)].sort((a, b) => a - b),
    );

    stopped.at = undefined;
    const aborter = new AbortController();
    const call = client.callTool({ name: 'slow', arguments: { steps: 1000 } }, { signal: aborter.signal } as never);
    setTimeout(() => aborter.abort(), 60);
    await expect(call).rejects.toThrow();
    await vi.waitFor(() => expect(stopped.at).toBeLessThan(100));
  });
});

test('the instructions cost at most 150 tokens and name every tool', () => {
  expect(INSTRUCTIONS.length / 4).toBeLessThanOrEqual(150);
});

test('nothing is read from the catalogue before it is asked for', () => {
  const catalogue = vi.fn(() => loadCatalogue());
  buildServer({ tools: fixtures, catalogue });
  expect(catalogue).not.toHaveBeenCalled();
});
