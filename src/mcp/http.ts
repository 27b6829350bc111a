import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  hostHeaderValidation,
  type NodeIncomingMessageLike,
  originValidation,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { createMcpHandler, localhostAllowedHostnames } from '@modelcontextprotocol/server';
import { buildServer, reportOnStderr, type ServerParts } from '../server.ts';
import { ToolError } from '../tools/tool.ts';

/** Where and for whom to listen. */
export interface HttpOptions {
  readonly port: number;
  /** Address to bind; loopback unless told otherwise. */
  readonly host: string;
  /** Bearer token that every request must carry; required for an address other than loopback. */
  readonly token?: string | undefined;
  /** Further names under which the server is reached, for the Host and Origin headers. */
  readonly allowedHosts?: readonly string[];
}

/** Path of the only endpoint. */
export const ENDPOINT = '/mcp';
/** A design with its schema is a few kilobytes; this leaves room for very large ones. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const MIN_TOKEN_LENGTH = 16;

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
const isWildcard = (host: string) => host === '0.0.0.0' || host === '::';
const inUri = (host: string) => (host.includes(':') ? `[${host}]` : host);

/**
 * Serves any number of clients over HTTP, in both protocol eras and without sessions.
 *
 * @returns the listening server and its address.
 * @throws ToolError for an address other than loopback without a token, and for an address that cannot be bound.
 */
export async function serveOnHttp(parts: ServerParts, options: HttpOptions): Promise<{ server: Server; url: string }> {
  const { port, host, token, allowedHosts = [] } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new ToolError(
      `Listening on ${host} lets others in, so a token is required: set INTERLEAVE_TOKEN or pass --token. ` +
        'Without one, only loopback (127.0.0.1) is allowed.',
    );
  }
  if (token !== undefined && token.length < MIN_TOKEN_LENGTH) {
    throw new ToolError(`The token is too short: ${token.length} characters; at least ${MIN_TOKEN_LENGTH} are needed.`);
  }
  const report = parts.report ?? reportOnStderr;
  const limits = { onerror: reportRejected, maxRequestBodySize: MAX_BODY_BYTES };
  const mcp = createMcpHandler(() => buildServer(parts), limits);
  const handle = toNodeHandler(mcp, limits);

  const names = [...allowedHosts, ...(isLoopback(host) ? localhostAllowedHostnames() : [])];
  if (!isWildcard(host)) names.push(inUri(host));
  // A wildcard address has no name to compare with unless one is given; there the token alone decides.
  const hostAllowed = names.length > 0 ? hostHeaderValidation(names) : () => true;
  const originAllowed = originValidation(names);

  const server = createServer((request, response) => {
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
    if (token !== undefined && !carries(request, token)) {
      refuse(response, 401, 'A bearer token is required.', { 'www-authenticate': 'Bearer realm="interleave"' });
    } else if (request.url?.split('?')[0] !== ENDPOINT) {
      refuse(response, 404, `The only endpoint is ${ENDPOINT}.`);
    } else {
      handle(request as NodeIncomingMessageLike, response).catch(report);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ToolError(`Cannot listen on ${inUri(host)}:${port}: ${error.code ?? 'unknown error'}.`)),
    );
    server.listen(port, host, resolve);
  });
  server.once('close', () => mcp.close().catch(report));
  const bound = server.address() as AddressInfo;
  return { server, url: `http://${inUri(host)}:${bound.port}${ENDPOINT}` };
}

/** Bad requests are the client's doing: a line is enough, and they must not fill a log. */
function reportRejected(error: Error): void {
  console.error(`interleave: ${error.message.split('\n')[0]?.slice(0, 300)}`);
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Whether the request carries the token; takes the same time for every wrong one. */
function carries(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function refuse(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null });
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers }).end(body);
}
