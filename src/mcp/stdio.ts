import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { buildServer, reportOnStderr, type ServerParts } from '../server.ts';

/** Time for answers that are on their way when the client closes its end. */
const CLOSING_MS = 500;

/**
 * Serves one client on standard input and output, in both protocol eras, until the client closes its end or the
 * process is told to stop.
 */
export function serveOnStdio(parts: ServerParts): void {
  const report = parts.report ?? reportOnStderr;
  const handle = serveStdio(() => buildServer(parts), {
    // A bad line or a closed pipe is the client's doing: a line is enough.
    onerror: (error) => console.error(`interleave: ${error.message.split('\n')[0]}`),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      handle
        .close()
        .catch(report)
        .finally(() => process.exit(0));
    });
  }
  // Nobody can read an answer any more, so work in progress is of no use.
  process.stdin.once('close', () => setTimeout(() => process.exit(0), CLOSING_MS).unref());
  process.stdout.once('error', () => process.exit(0));
}
