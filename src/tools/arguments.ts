import { z } from 'zod';

/** Some clients send arrays, objects, numbers and booleans as JSON text; others send numbers where text is meant. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const LIMIT = { text: 200, long: 20_000 };

/** The bound is checked but not in the emitted schema, where it would cost bytes in every conversation. */
export const limited = (length: number) =>
  z.string().refine((text) => text.length <= length, { error: `longer than ${length} characters; shorten it` });

/** A short text; numbers are taken as text. */
export const shortText = (description?: string) =>
  described(
    z.preprocess((value) => (typeof value === 'number' ? String(value) : value), limited(LIMIT.text)).optional(),
    description,
  );

/** Prose of at most 20,000 characters. */
export const prose = (description?: string) => described(limited(LIMIT.long).optional(), description);

/** A list of short texts; one text is a list of one. */
export const textList = (description?: string) =>
  described(
    z
      .preprocess(
        (value) => {
          const list = parsed(value);
          return typeof list === 'string' ? [list] : list;
        },
        z.array(limited(LIMIT.text)),
      )
      .optional(),
    description,
  );

/** Names with values as text; booleans and numbers are taken as text. */
export const textMap = (description?: string) =>
  described(
    z
      .preprocess(
        (value) => {
          const map = parsed(value);
          if (map === null || typeof map !== 'object' || Array.isArray(map)) return map;
          return Object.fromEntries(
            Object.entries(map).map(([k, v]) => [k, ['number', 'boolean'].includes(typeof v) ? String(v) : v]),
          );
        },
        z.record(z.string(), z.string()),
      )
      .optional(),
    description,
  );

/** Names that are true or false; a list names what is true, `!name` what is false. */
export const flagMap = (description?: string) =>
  described(
    z
      .preprocess(
        (value) => {
          const map = parsed(value);
          if (Array.isArray(map) && map.every((one) => typeof one === 'string'))
            return Object.fromEntries(map.map((one: string) => [one.replace(/^!/, ''), !one.startsWith('!')]));
          if (map === null || typeof map !== 'object' || Array.isArray(map)) return map;
          return Object.fromEntries(
            Object.entries(map).map(([k, v]) => [k, v === 'true' ? true : v === 'false' ? false : v]),
          );
        },
        z.record(z.string(), z.boolean()),
      )
      .optional(),
    description,
  );

/** How long an answer may be. */
export const detail = () => z.enum(['concise', 'full']).optional();

function described<T extends z.ZodType>(schema: T, description: string | undefined): T {
  return description === undefined ? schema : (schema.describe(description) as T);
}
