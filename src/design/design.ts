import { z } from 'zod';

/** What a property or an expression may be bound to. */
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and _');

/** Options depend on the kind and are checked by it. */
/** YAML reads an unquoted `if x: STEP` as a mapping with one key; it is meant as text. */
const stepText = z.preprocess(
  (value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const [entry, ...more] = Object.entries(value);
    return entry && more.length === 0 && typeof entry[1] === 'string' ? `${entry[0]}: ${entry[1]}` : value;
  },
  z.string({ error: 'a step is text; quote it if it holds a colon' }).trim().min(1).max(4000),
) as unknown as z.ZodType<string, string>;

/** Names reach terminals and models: no control or direction characters. */
const visible = (text: z.ZodString) => text.regex(/^[^\p{Cc}\p{Cf}]*$/u, 'must not hold control characters');

const component = z.looseObject({ name: identifier, kind: z.string().trim().min(1).max(40) });

const operation = z.strictObject({
  name: visible(z.string().trim().min(1).max(60)),
  /** Isolation level of its transaction; the engine's default where absent. */
  isolation: z.string().optional(),
  /** `none`: every statement commits alone. Default: one transaction around all steps, unless they say begin. */
  transaction: z.enum(['one', 'none']).optional(),
  /** How often the caller tries again after an error or a missing answer. */
  retries: z.number().int().min(0).max(3).default(0),
  steps: z.array(stepText).min(1).max(40),
  /** One set of parameters for each concurrent request. */
  runs: z.array(z.record(identifier, scalar)).min(1).max(4).optional(),
});

/** Exactly one of the kinds; `name` is how the answer calls it. */
const property = z.strictObject({
  name: visible(z.string().trim().min(1).max(120)).optional(),
  /** A SELECT that gives true, or CEL over components and the SELECTs in `let`. */
  invariant: z.string().trim().min(1).max(4000).optional(),
  /** SELECTs whose first value an invariant in CEL may use. */
  let: z.record(identifier, z.string().max(4000)).optional(),
  /** When the invariant must hold. */
  when: z.enum(['end', 'always', 'all committed']).optional(),
  /** `service.verb per variable`: at most one effect for each value of the variable. */
  'at-most-once': z.string().trim().min(1).max(200).optional(),
  /** As at-most-once, and no request ends without its effect. */
  'exactly-once': z.string().trim().min(1).max(200).optional(),
  /** After crashes the state is one that whole requests leave. */
  'all-or-nothing': z.literal(true).optional(),
  /** Reads, row counts and final state equal some serial order of the committed transactions. */
  serializable: z.literal(true).optional(),
  /** Name of a store. */
  linearizable: z.string().trim().min(1).max(60).optional(),
  /** Name of a lock. */
  'mutual-exclusion': z.string().trim().min(1).max(60).optional(),
});

/** A design to review: operations made of steps on components, and the properties that must hold. */
export const designSchema = z.strictObject({
  name: visible(z.string().trim().max(120)).optional(),
  /** Database and version, e.g. `postgresql 16`. */
  engine: z.string().trim().min(1).max(80).default('postgresql'),
  /** Isolation level of operations that name none. */
  isolation: z.string().trim().max(40).optional(),
  /** Settings of the engine that decide its behaviour. */
  settings: z.record(z.string(), z.string()).optional(),
  /** CREATE TABLE and a few INSERT that make the case tight. */
  schema: z.string().max(20_000).optional(),
  components: z.array(component).max(8).default([]),
  operations: z.array(operation).min(1).max(20),
  properties: z.array(property).max(20).default([]),
  /** How many faults (crash, lost answer, time-out) may happen in one execution. */
  faults: z.number().int().min(0).max(2).default(1),
});

/** A design whose fields are checked. */
export type Design = z.output<typeof designSchema>;
/** A design as it is written. */
export type DesignInput = z.input<typeof designSchema>;
/** One operation. */
export type Operation = Design['operations'][number];
/** One property. */
export type Property = Design['properties'][number];

/** The design cannot be used: says where, what is wrong and what is allowed. */
export class DesignError extends Error {
  override name = 'DesignError';
}

/** Checks a design. @throws DesignError that names each bad field. */
export function parseDesign(value: unknown): Design {
  const result = designSchema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues
    .slice(0, 8)
    .map((issue) => `${issue.path.map(String).join('.') || 'design'}: ${issue.message}`);
  const [place] = result.error.issues[0]?.path ?? [];
  const [what, shape] =
    place === 'operations'
      ? (['An operation', operation.shape] as const)
      : place === 'properties'
        ? (['A property', property.shape] as const)
        : (['A design', designSchema.shape] as const);
  throw new DesignError(
    `The design cannot be read. ${faults.join('; ')}. ${what} has: ${Object.keys(shape).join(', ')}.`,
  );
}
