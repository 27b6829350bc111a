import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { tools } from '../src/tools/index.ts';
import { BUNDLE, CLIENT_NAMES, connectOverStdio, textOf } from './support/clients.ts';
import { EXAMPLES } from './support/examples.ts';

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

/** Starts the bundle; collects what it writes, line by line. */
function start() {
  const child = spawn(process.execPath, [BUNDLE], { stdio: 'pipe' });
  const seen = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    seen.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    seen.err += chunk;
  });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const send = (message: unknown) =>
    child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  const answer = async (id: number) => {
    for (;;) {
      const lines = seen.out.split('\n').slice(0, -1);
      const found = lines.map((line) => JSON.parse(line)).find((message) => message.id === id);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, seen, ended, send, answer };
}

describe.each(CLIENT_NAMES)('%s over stdio to the bundle', (name) => {
  test('gets tools, resources, prompts, and an answer from every tool', async () => {
    const client = await connectOverStdio(name);
    try {
      const listed = (await client.listTools()).tools.map((tool) => tool.name);
      expect(listed).toEqual(tools.map((tool) => tool.name));
      const { resources } = await client.listResources();
      for (const kind of ['pattern', 'database', 'skill']) {
        const uri = resources.find((resource) => resource.uri.startsWith(`${kind}:`))?.uri ?? kind;
        expect(textOf(await client.readResource({ uri }))).toMatch(/^---\n/);
      }
      const { prompts } = await client.listPrompts();
      expect(prompts.length).toBeGreaterThan(0);
      for (const { name, arguments: given = [] } of prompts) {
        const filled = Object.fromEntries(given.map((argument) => [argument.name, 'x']));
        expect(textOf(await client.getPrompt({ name, arguments: filled }))).toMatch(/\S/);
      }
      for (const tool of tools) {
        const result = await client.callTool({ name: tool.name, arguments: EXAMPLES[tool.name]?.[0] ?? {} });
        expect(result.isError, JSON.stringify(result.content)).toBeFalsy();
        expect(result.structuredContent).toBeDefined();
      }
    } finally {
      await client.close();
    }
  });
});

describe('the process', () => {
  test('survives lines that are not messages, and writes nothing but messages', async () => {
    const { child, seen, send, answer, ended } = start();
    send('this is not JSON');
    send('{"jsonrpc":"2.0"');
    send('[]');
    send('{"jsonrpc":"2.0","id":9,"method":17}');
    send('null');
    send(initialize);
    expect((await answer(1)).result.serverInfo.name).toBe('interleave');
    send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    send('{"broken": ');
    send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    expect((await answer(2)).result.tools).toBeDefined();
    send({ jsonrpc: '2.0', id: 3, method: 'no/such-method' });
    expect((await answer(3)).error.code).toBe(-32601);
    child.stdin.end();
    expect((await ended)[0]).toBe(0);
    expect(seen.out + seen.err).not.toMatch(/\n\s+at /);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('ends on %s', async (signal) => {
    const { child, send, answer, ended } = start();
    send(initialize);
    await answer(1);
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  test('ends when the client closes its end, before and after the handshake', async () => {
    const before = start();
    before.child.stdin.end();
    expect((await before.ended)[0]).toBe(0);
    const after = start();
    after.send(initialize);
    await after.answer(1);
    after.child.stdin.end();
    expect((await after.ended)[0]).toBe(0);
  });

  test('ends without a stack when nobody reads its output', async () => {
    const { child, seen, send, ended } = start();
    child.stdout.destroy();
    for (let id = 1; id <= 50; id++) {
      if (child.stdin.writable) send({ ...initialize, id });
    }
    child.stdin.on('error', () => {});
    expect((await ended)[0]).toBe(0);
    expect(seen.err).not.toMatch(/\n\s+at /);
  });

  test('refuses a message of more than 10 MB without hanging', async () => {
    const { child, seen, ended } = start();
    child.stdin.on('error', () => {});
    child.stdin.write(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'x'.repeat(11 * 1024 * 1024)}`);
    const [code] = await ended;
    expect(code).toBe(0);
    expect(seen.out).toBe('');
    expect(seen.err).not.toMatch(/\n\s+at /);
  });
});
