import { z } from 'zod';

/** Catalogues from which an argument of a prompt can be completed. */
export const COMPLETIONS = ['databases', 'levels', 'phenomena', 'patterns', 'hazards', 'signals'] as const;

/** Frontmatter of a file in `prompts/`; `{{name}}` in the body stands for an argument. */
export const promptSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens'),
  title: z.string().trim().min(3).max(80),
  description: z.string().trim().min(10).max(300),
  arguments: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
        description: z.string().trim().min(3).max(200),
        required: z.boolean().default(false),
        complete: z.enum(COMPLETIONS).optional(),
      }),
    )
    .default([]),
});

/** A prompt template: its frontmatter and its body in markdown. */
export type Prompt = z.infer<typeof promptSchema> & { readonly body: string };
