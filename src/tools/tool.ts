import type { z } from 'zod';
import type { Catalogue } from '../catalogue/load.ts';
import type { Style } from '../render/style.ts';

/** What a tool may use besides its input. */
export interface ToolContext {
  /** Read on first use, so that starting the server costs nothing. */
  readonly catalogue: () => Catalogue;
  readonly signal: AbortSignal;
  /** Reports progress of long work; `total` is absent where it is not known. */
  readonly progress: (done: number, total: number | undefined, message: string) => void;
}

/**
 * One tool, for MCP and for the command line alike. `run` gives the structured answer, `render` the same answer as
 * text; each of the two is complete by itself, because some hosts show a model only one of them.
 */
export interface Tool<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** Kebab-case. */
  readonly name: string;
  readonly title: string;
  /** When to call it and what it gives; every word costs tokens in every conversation. */
  readonly description: string;
  /** `z.strictObject`: a misspelt argument is an error, not ignored. */
  readonly input: I;
  /** `z.strictObject`: an extra key would make every client fail. */
  readonly output: O;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
  readonly run: (input: z.output<I>, context: ToolContext) => Promise<z.output<O>>;
  readonly render: (output: z.output<O>, style: Style) => string;
}

/** Keeps the types of input and output together; returns its argument. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(tool: Tool<I, O>): Tool<I, O> {
  return tool;
}

/** Expected failure: the message says what was wrong, what is allowed and what to do next. It reaches the model as it is. */
export class ToolError extends Error {
  override name = 'ToolError';
}
