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
  known[io] ??= tidy(
    z.toJSONSchema(schema, { io, target: 'draft-2020-12', reused: 'inline', cycles: 'throw' }),
    io,
    true,
  ) as JsonSchema;
  return known[io];
}

function tidy(value: unknown, io: 'input' | 'output', top = false): unknown {
  if (Array.isArray(value)) return value.map((inner) => tidy(inner, io));
  if (value === null || typeof value !== 'object') return value;
  const result: JsonSchema = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$schema') continue;
    if (key === 'minimum' && inner === -SAFE) continue;
    if (key === 'maximum' && inner === SAFE) continue;
    // Guards against huge inputs are the server's business; in a schema they cost tokens in every conversation.
    if (key === 'maxLength' || key === 'maxItems') continue;
    // The server checks what it sends with the strict schema; clients need not be told in every inner object.
    if (key === 'additionalProperties' && inner === false && io === 'output' && !top) continue;
    if (key === 'propertyNames' && JSON.stringify(inner) === '{"type":"string"}') continue;
    // Names of properties are data, not keywords.
    result[key] =
      key === 'properties' && inner !== null && typeof inner === 'object'
        ? Object.fromEntries(Object.entries(inner).map(([name, property]) => [name, tidy(property, io)]))
        : tidy(inner, io);
  }
  return result;
}
