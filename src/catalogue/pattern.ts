import { z } from 'zod';
import { HAZARD_IDS } from '../vocabulary/hazards.ts';
import { SIGNAL_IDS } from '../vocabulary/signals.ts';

/** Groups of patterns, in the order in which the catalogue lists them. */
export const PATTERN_GROUPS = [
  'Request integrity',
  'Concurrency control in one database',
  'Replication, consistency, coordination',
  'Integration and dataflow',
  'Stream and batch processing',
  'Evolution and governance',
  'Overload and blast radius',
] as const;

const sentence = z.string().trim().min(3).max(400);
const id = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens');

/** Frontmatter of a file in `patterns/`. */
export const patternSchema = z.strictObject({
  id,
  name: z.string().trim().min(3).max(120),
  group: z.enum(PATTERN_GROUPS),
  /** One sentence: what one does, and what it guarantees. */
  summary: z.string().trim().min(20).max(300),
  /** How the problem reads when somebody describes it, in their words. */
  signals: z.array(sentence).min(2),
  /** Words and phrases people use for the problem or the pattern; error numbers too. */
  keywords: z.array(z.coerce.string().trim().min(2).max(60)).min(5),
  /** Structured facts that speak for the pattern. */
  fits: z.array(z.enum(SIGNAL_IDS)).min(1),
  /** Structured facts that speak against it. */
  unless: z.array(z.enum(SIGNAL_IDS)).default([]),
  notWhen: z.array(sentence).min(1),
  tradeoffs: z.array(sentence).min(1),
  failureModes: z.array(sentence).min(2),
  /** What to watch in production, with a threshold where the field has one. */
  controls: z
    .array(z.strictObject({ watch: sentence, threshold: z.string().trim().min(1).max(300).optional() }))
    .min(1),
  questions: z.array(sentence).min(1).max(6),
  related: z.array(id).min(1),
  /** Hazards that the pattern removes when it is done right. */
  removes: z.array(z.enum(HAZARD_IDS)).min(1),
  sources: z.array(z.strictObject({ title: z.string().trim().min(3), url: z.url().optional() })).min(1),
});

/** A pattern: its frontmatter and its body in markdown. */
export type Pattern = z.infer<typeof patternSchema> & { readonly body: string };
