import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { CatalogueError } from '../catalogue/frontmatter.ts';
import { ToolError } from '../tools/tool.ts';

/** Receives errors whose text must not reach a client. */
export type Report = (error: unknown) => void;

/** What a client reads when something fails in a way that nobody foresaw: no path, no stack, and what to do next. */
export const UNEXPECTED =
  'This failed for an unexpected reason; it is a fault of Interleave, not of the request. ' +
  'A smaller request may work. Details are on the standard error of the server.';

/** What a client is told about `error`. Expected errors speak for themselves, others go to `report`. */
export function failure(error: unknown, report: Report): string {
  if (error instanceof ToolError || error instanceof CatalogueError) return error.message;
  report(error);
  return UNEXPECTED;
}

/** `read`, with its errors turned into protocol errors whose text a client may see. */
export function guarded<T>(read: () => T, report: Report): () => T {
  return () => {
    try {
      return read();
    } catch (error) {
      throw new ProtocolError(ProtocolErrorCode.InternalError, failure(error, report));
    }
  };
}
