import { fileURLToPath } from 'node:url';
import {
  Client as Client2,
  StreamableHTTPClientTransport as Http2,
  InMemoryTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { buildServer, type ServerParts } from '../../src/server.ts';

/** The bundle; `npm test` builds it first. */
export const BUNDLE = fileURLToPath(new URL('../../dist/interleave.js', import.meta.url));

/** The newest revision of the protocol, which is stateless. */
export const MODERN = '2026-07-28';

const info = { name: 'interleave-tests', version: '1.0.0' };

/** The client of sdk 1.x with the signature of its successor. */
function client1(): Client2 {
  const client = new Client1(info);
  const callTool = client.callTool.bind(client);
  client.callTool = (params, options) => callTool(params, undefined, options as never);
  return client as unknown as Client2;
}

/** The clients that the server must serve. */
export const CLIENTS = {
  'sdk 1.x': client1,
  'client 2.x': () => new Client2(info),
  'client 2.x, auto': () => new Client2(info, { versionNegotiation: { mode: 'auto' } }),
  [`client 2.x pinned to ${MODERN}`]: () => new Client2(info, { versionNegotiation: { mode: { pin: MODERN } } }),
} as const satisfies Record<string, () => Client2>;

/** Name of one of `CLIENTS`. */
export type ClientName = keyof typeof CLIENTS;

/** All of them. */
export const CLIENT_NAMES = Object.keys(CLIENTS) as ClientName[];

const isV1 = (name: ClientName) => name === 'sdk 1.x';

/** A client of a server in this process. */
export async function connectInProcess(parts: ServerParts, name: ClientName = 'client 2.x'): Promise<Client2> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  serveStdio(() => buildServer(parts), { transport: theirs });
  const client = CLIENTS[name]();
  await client.connect(ours);
  return client;
}

/** A client of the built bundle on standard input and output. */
export async function connectOverStdio(name: ClientName, args: readonly string[] = []): Promise<Client2> {
  const command = { command: process.execPath, args: [BUNDLE, ...args], stderr: 'ignore' as const };
  const client = CLIENTS[name]();
  await client.connect(isV1(name) ? (new Stdio1(command) as unknown as Stdio2) : new Stdio2(command));
  return client;
}

/** A client of a server that listens at `url`. */
export async function connectOverHttp(name: ClientName, url: string, token?: string): Promise<Client2> {
  const options = token === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } };
  const client = CLIENTS[name]();
  await client.connect(
    isV1(name) ? (new Http1(new URL(url), options) as unknown as Http2) : new Http2(new URL(url), options),
  );
  return client;
}

/** The text of the first block of a tool's result, the first message of a prompt, or the first content of a resource. */
export function textOf(result: object): string {
  const { content, contents, messages } = result as Record<string, unknown>;
  if (Array.isArray(messages)) return textOf({ content: [(messages[0] as { content: unknown }).content] });
  const first = (Array.isArray(content) ? content : Array.isArray(contents) ? contents : [])[0];
  return (first as { text?: string } | undefined)?.text ?? '';
}
