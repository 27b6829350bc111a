import { z } from 'zod';
import { CatalogueError } from '../../src/catalogue/frontmatter.ts';
import { defineTool, ToolError } from '../../src/tools/tool.ts';

const readOnly = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

/** Has an argument of each kind and gives back what it was given. */
export const echo = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Gives back its arguments.',
  input: z.strictObject({
    text: z.string().max(100),
    count: z.int().min(0).max(10).optional(),
    flag: z.boolean().optional(),
    list: z.array(z.string()).optional(),
    map: z.record(z.string(), z.int().min(0).max(9)).optional(),
    inner: z.strictObject({ points: z.array(z.strictObject({ x: z.number(), y: z.number() })) }).optional(),
    either: z.union([z.string(), z.strictObject({ name: z.string(), size: z.number() })]).optional(),
    detail: z.enum(['concise', 'full']).default('concise'),
  }),
  output: z.strictObject({ given: z.string() }),
  annotations: readOnly,
  run: async (input) => ({ given: JSON.stringify(input) }),
  render: (output, style) => style.heading(output.given),
});

/** Fails in the way that it is told to. */
export const fail = defineTool({
  name: 'fail',
  title: 'Fail',
  description: 'Fails.',
  input: z.strictObject({ how: z.enum(['expected', 'catalogue', 'unexpected', 'extra', 'render', 'thrown-text']) }),
  output: z.strictObject({ ok: z.boolean() }),
  annotations: readOnly,
  run: async ({ how }) => {
    if (how === 'expected') throw new ToolError('The level "RX" is unknown; allowed: RC, RR. Call echo next.');
    if (how === 'catalogue') throw new CatalogueError('mine.md: summary: is missing');
    if (how === 'unexpected') throw new Error('secret in /home/somebody/secret.ts');
    if (how === 'thrown-text') throw 'secret in /home/somebody/secret.ts';
    return how === 'extra' ? { ok: true, secret: '/home/somebody/secret.ts' } : { ok: true };
  },
  render: () => {
    throw new TypeError('secret in /home/somebody/secret.ts');
  },
});

/** Works in steps until it is told to stop. */
export const slow = defineTool({
  name: 'slow',
  title: 'Slow',
  description: 'Takes its time.',
  input: z.strictObject({ steps: z.int().min(1).max(1000) }),
  output: z.strictObject({ done: z.int() }),
  annotations: readOnly,
  run: async ({ steps }, { signal, progress }) => {
    for (let step = 1; step <= steps; step++) {
      if (signal.aborted) {
        stopped.at = step;
        throw new ToolError('Stopped.');
      }
      progress(step, steps, `step ${step}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { done: steps };
  },
  render: ({ done }) => `done ${done}`,
});

/** The step at which `slow` was last stopped. */
export const stopped: { at: number | undefined } = { at: undefined };

/** Tools that exercise the edges, whatever the real tools do. */
export const fixtures = [echo, fail, slow];
