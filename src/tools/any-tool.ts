import type { z } from 'zod';
import type { Style } from '../render/style.ts';
import type { Tool, ToolContext } from '../tools/tool.ts';

/** A tool of whatever input and output; what it is run with must have gone through its own `input` schema. */
export interface AnyTool extends Omit<Tool, 'input' | 'output' | 'run' | 'render'> {
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly run: (input: never, context: ToolContext) => Promise<unknown>;
  readonly render: (output: never, style: Style) => string;
}
