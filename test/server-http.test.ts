import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { type HttpOptions, serveOnHttp } from '../src/mcp/http.ts';
import { CLIENT_NAMES, connectOverHttp, MODERN } from './support/clients.ts';
import { fixtures } from './support/tools.ts';

const TOKEN = 'a-token-of-thirty-two-characters';
const parts = { tools: fixtures, catalogue: () => loadCatalogue(), report: () => {} };
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

type Listening = Awaited<ReturnType<typeof serveOnHttp>>;
const open: Listening[] = [];
async function listen(options: Partial<HttpOptions> = {}): Promise<Listening> {
  const listening = await serveOnHttp(parts, { port: 0, host: '127.0.0.1', ...options });
  open.push(listening);
  return listening;
}
afterAll(() => {
  for (const { server } of open) server.close().closeAllConnections();
});

/** One POST with headers that `fetch` would not let through. */
function post(url: string, headers: Record<string, string> = {}, body = initialize) {
  return new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

describe.each(CLIENT_NAMES)('%s over HTTP', (name) => {
  test.each([undefined, TOKEN])('gets tools, answers, progress and resources; token: %s', async (token) => {
    const { url } = await listen({ token });
    const client = await connectOverHttp(name, url, token);
    try {
      if (name.includes(MODERN)) expect(client.getNegotiatedProtocolVersion()).toBe(MODERN);
      expect((await client.listTools()).tools).toHaveLength(fixtures.length);
      const result = await client.callTool({ name: 'echo', arguments: { text: 'a' } });
      expect(result.structuredContent).toEqual({ given: '{"text":"a","detail":"concise"}' });
      const seen: unknown[] = [];
      await client.callTool({ name: 'slow', arguments: { steps: 20 } }, {
        onprogress: (progress: unknown) => seen.push(progress),
      } as never);
      expect(seen.length).toBeGreaterThan(0);
      expect((await client.listResources()).resources.length).toBeGreaterThan(2);
    } finally {
      await client.close();
    }
  });
});

describe('on loopback', () => {
  let url: string;
  beforeAll(async () => {
    ({ url } = await listen());
  });

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '169.254.169.254', '0.0.0.0'])(
    'refuses Host %s',
    async (host) => {
      expect((await post(url, { host })).status).toBe(403);
    },
  );

  test.each(['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'not an origin'])(
    'refuses Origin %s',
    async (origin) => {
      expect((await post(url, { origin })).status).toBe(403);
    },
  );

  test.each(['http://localhost:6274', 'http://127.0.0.1', 'http://[::1]:3000'])('accepts Origin %s', async (origin) => {
    expect((await post(url, { origin })).status).toBe(200);
  });

  test('has one endpoint', async () => {
    expect((await post(url.replace('/mcp', '/'))).status).toBe(404);
    expect((await post(url.replace('/mcp', '/mcp/../etc/passwd'))).status).toBe(404);
    expect((await post(`${url}?x=1`)).status).toBe(200);
  });

  test('answers bad bodies with a JSON-RPC error and no stack', async () => {
    for (const body of ['', '{', 'null', '[]', '"x"', '{"jsonrpc":"2.0","id":1,"method":17}']) {
      const answer = await post(url, {}, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body).not.toMatch(/\n\s+at |node_modules/);
    }
  });

  test('refuses a body of more than 2 MiB', async () => {
    const answer = await post(url, {}, `{"x":"${'x'.repeat(2 * 1024 * 1024)}"}`);
    expect(answer.status).toBe(413);
  });

  test('refuses another media type', async () => {
    expect((await post(url, { 'content-type': 'text/plain' })).status).toBe(415);
  });
});

describe('the bearer token', () => {
  test('is asked for wherever it was set', async () => {
    const { url } = await listen({ token: TOKEN });
    for (const authorization of [undefined, 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, TOKEN]) {
      const answer = await post(url, authorization === undefined ? {} : { authorization });
      expect(answer.status, authorization).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
    expect((await post(url, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await post(url, { authorization: `Bearer ${TOKEN}`, host: 'evil.example' })).status).toBe(403);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1'])('is required to listen on %s', async (host) => {
    await expect(listen({ host })).rejects.toThrow(/token is required.*INTERLEAVE_TOKEN/s);
  });

  test('must not be short', async () => {
    await expect(listen({ token: 'secret' })).rejects.toThrow(/too short/);
  });

  test('alone decides on a wildcard address; browsers are let in only by name', async () => {
    const { url } = await listen({ host: '0.0.0.0', token: TOKEN });
    const at = url.replace('0.0.0.0', '127.0.0.1');
    const authorization = `Bearer ${TOKEN}`;
    expect((await post(at, { host: 'interleave.internal' })).status).toBe(401);
    expect((await post(at, { host: 'interleave.internal', authorization })).status).toBe(200);
    expect((await post(at, { origin: 'https://evil.example', authorization })).status).toBe(403);

    const named = await listen({ host: '0.0.0.0', token: TOKEN, allowedHosts: ['interleave.internal'] });
    const there = named.url.replace('0.0.0.0', '127.0.0.1');
    expect((await post(there, { host: 'evil.example', authorization })).status).toBe(403);
    expect((await post(there, { host: 'interleave.internal:80', authorization })).status).toBe(200);
    expect(
      (await post(there, { host: 'interleave.internal', origin: 'https://interleave.internal', authorization })).status,
    ).toBe(200);
  });
});

test('an address in use is an error that can be read', async () => {
  const { url } = await listen();
  await expect(listen({ port: Number(new URL(url).port) })).rejects.toThrow(/Cannot listen on .*EADDRINUSE/);
});
