import type { CallToolResult, McpServer, ServerContext, StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import type { Catalogue } from '../catalogue/load.ts';
import { plain } from '../render/style.ts';
import type { AnyTool } from '../tools/any-tool.ts';
import { readArguments } from './arguments.ts';
import { failure, type Report } from './failure.ts';
import { emitSchema } from './schema.ts';

/** Progress is sent at most this often, so that a fast search does not flood the client. */
const PROGRESS_INTERVAL_MS = 100;

/**
 * Registers `tools`.
 *
 * @param report receives unexpected errors; they never reach the client.
 */
export function registerTools(
  server: McpServer,
  tools: readonly AnyTool[],
  catalogue: () => Catalogue,
  report: Report,
): void {
  for (const tool of tools) {
    server.registerTool(
      tool.name,
      {
        title: tool.title,
        description: tool.description,
        inputSchema: advertised(tool.input),
        outputSchema: advertised(tool.output),
        annotations: { title: tool.title, ...tool.annotations },
      },
      (given: unknown, context: ServerContext) => call(tool, given, context, catalogue, report),
    );
  }
}

/** The schema as clients see it. Checking is left to `call`, whose messages say what is allowed. */
function advertised(schema: z.ZodObject): StandardSchemaWithJSON {
  return {
    '~standard': {
      version: 1,
      vendor: 'interleave',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => emitSchema(schema, 'input'), output: () => emitSchema(schema, 'output') },
    },
  };
}

async function call(
  tool: AnyTool,
  given: unknown,
  context: ServerContext,
  catalogue: () => Catalogue,
  report: Report,
): Promise<CallToolResult> {
  try {
    const input = readArguments(tool, given);
    const answer = await tool.run(input as never, {
      catalogue,
      signal: context.mcpReq.signal,
      progress: progressOf(context),
    });
    const output = tool.output.parse(answer);
    return { content: [{ type: 'text', text: tool.render(output as never, plain) }], structuredContent: output };
  } catch (error) {
    return { content: [{ type: 'text', text: failure(error, report) }], isError: true };
  }
}

function progressOf(context: ServerContext): (done: number, total: number | undefined, message: string) => void {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let sentAt = 0;
  let sent = -1;
  return (done, total, message) => {
    const now = Date.now();
    // The protocol wants the value to grow with each notification.
    if (done <= sent || (now - sentAt < PROGRESS_INTERVAL_MS && done !== total)) return;
    sentAt = now;
    sent = done;
    const params = { progressToken, progress: done, ...(total === undefined ? {} : { total }), message };
    // A client that is gone needs no progress.
    context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
}
