import { z } from 'zod';

/** A JSON Schema as it is sent to clients. */
export type JsonSchema = Record<string, unknown>;

const SAFE = Number.MAX_SAFE_INTEGER;
const emitted = new WeakMap<z.ZodType, Partial<Record<'input' | 'output', JsonSchema>>>();

/**
 * The JSON Schema of a tool's input or output, in the subset that every client accepts: no `$schema`, no `$ref`, no
 * bounds that only repeat the range of a double or guard the server.
 *
 * @throws Error for a schema that has no such form (a recursive one, a transform without input type).
 */
export function emitSchema(schema: z.ZodObject, io: 'input' | 'output'): JsonSchema {
  const known = emitted.get(schema) ?? {};
  emitted.set(schema, known);
  known[io] ??= tidy(z.toJSONSchema(schema, { io, target: 'draft-2020-12', reused: 'inline', cycles: 'throw' }));
  return known[io];
}

function tidy(value: unknown): JsonSchema {
  return tidyAny(value) as JsonSchema;
}

function tidyAny(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidyAny);
  if (value === null || typeof value !== 'object') return value;
  const result: JsonSchema = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$schema') continue;
    if (key === 'minimum' && inner === -SAFE) continue;
    if (key === 'maximum' && inner === SAFE) continue;
    // Guards against huge inputs are the server's business; in a schema they cost tokens in every conversation.
    if (key === 'maxLength' || key === 'maxItems') continue;
    if (key === 'propertyNames' && JSON.stringify(inner) === '{"type":"string"}') continue;
    // Names of properties are data, not keywords.
    result[key] =
      key === 'properties' && inner !== null && typeof inner === 'object'
        ? Object.fromEntries(Object.entries(inner).map(([name, property]) => [name, tidyAny(property)]))
        : tidyAny(inner);
  }
  return result;
}
