import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { DesignError, parseDesign } from '../design/design.ts';
import { MOST_REQUESTS, requestCount } from '../design/pairs.ts';
import { type Review, renderReview } from '../render/review.ts';
import { SqlInputError } from '../sql/errors.ts';
import { reviewPairs } from './assessment/pairs.ts';
import { review } from './assessment/review.ts';
import { defineTool, ToolError } from './tool.ts';

/** The emitted schema is terse, since every conversation pays for it; `parseDesign` checks each field. */
const input = z.strictObject({
  design: z
    .preprocess(readText, z.record(z.string(), z.unknown()))
    .describe(
      '{engine, schema, components:[{name,kind:"service|store|cache|queue|log|lock|clock"}], operations:[{name,steps,runs,isolation?,transaction?:"none",retries?}], properties:[{invariant:"SELECT …"},{"at-most-once":"psp.pay per id"}]}. schema: DDL, few rows. steps: "n := SELECT n FROM t WHERE id = :id", "if n > 1: UPDATE …" (CEL), "r := psp.pay(amount: n)", begin, commit, "return r". runs: parameters of each concurrent request, [{"id":1},{"id":2}]',
    ),
  seconds: z.number().optional(),
  detail: z.enum(['concise', 'full', 'mermaid']).optional(),
});

const loose = z.array(z.record(z.string(), z.unknown()));

const output = z.strictObject({
  verdict: z.string(),
  summary: z.string(),
  findings: loose,
  repairs: loose,
  notes: z.record(z.string(), z.array(z.string())),
});

/** Explores a design: counterexamples, repairs that were explored again, and the bounds of the verdict. */
export const assessConsistency = defineTool({
  name: 'assess-consistency',
  title: 'Assess consistency',
  description:
    'Explores every interleaving, crash and retry of a design: shortest counterexample, repairs explored again, or sound within bounds. Call before approving transactions, payments, bookings.',
  input,
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: async ({ design, seconds = 5, detail = 'concise' }, context) => {
    try {
      const limit = Math.min(Math.max(seconds, 0.1), 60) * 1000;
      const parsed = parseDesign(design);
      const whole = requestCount(parsed) <= MOST_REQUESTS;
      return { ...(await (whole ? review : reviewPairs)(parsed, design, limit, detail, context)) };
    } catch (error) {
      if (error instanceof DesignError || error instanceof SqlInputError) throw new ToolError(error.message);
      throw error;
    }
  },
  render: (answer, style) => renderReview(answer as unknown as Review, style),
});

/** A design may come as YAML or JSON text. */
function readText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseYaml(value, { maxAliasCount: 20, logLevel: 'silent' });
  } catch {
    return value;
  }
}
