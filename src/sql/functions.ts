import { arithmetic, cast, compare, type SqlType, same, toText, type Value } from './values.ts';

type Scalar = { readonly call: (args: readonly Value[]) => Value; readonly type: SqlType };

const text = (value: Value | undefined) => toText(value ?? null);
const number = (value: Value | undefined) => cast(value ?? null, 'numeric') as number;
const items = (value: Value | undefined): readonly Value[] => {
  const list = cast(value ?? null, 'list');
  return list !== null && typeof list === 'object' && 'list' in list ? list.list : [];
};
const jsonOf = (value: Value): unknown => {
  if (value === null || typeof value !== 'object') return value;
  if ('json' in value) return value.json;
  return 'list' in value ? value.list.map(jsonOf) : toText(value);
};
const range: Scalar = {
  call: ([low, high, bounds]) => ({ range: [low ?? null, high ?? null, bounds === undefined ? '[)' : text(bounds)] }),
  type: 'range',
};
const rangeOf = (type: SqlType): Scalar => ({
  call: ([low, high, bounds]) =>
    range.call([cast(low ?? null, type), cast(high ?? null, type), ...(bounds === undefined ? [] : [bounds])]),
  type: 'range',
});

/** Functions that give NULL when an argument is NULL. */
export const STRICT_FUNCTIONS: Readonly<Record<string, Scalar>> = {
  lower: { call: ([a]) => text(a).toLowerCase(), type: 'text' },
  upper: { call: ([a]) => text(a).toUpperCase(), type: 'text' },
  trim: { call: ([a]) => text(a).trim(), type: 'text' },
  btrim: { call: ([a]) => text(a).trim(), type: 'text' },
  length: { call: ([a]) => text(a).length, type: 'int' },
  char_length: { call: ([a]) => text(a).length, type: 'int' },
  substring: {
    call: ([a, from, count]) => text(a).substr(number(from) - 1, count === undefined ? undefined : number(count)),
    type: 'text',
  },
  substr: {
    call: ([a, from, count]) => text(a).substr(number(from) - 1, count === undefined ? undefined : number(count)),
    type: 'text',
  },
  replace: { call: ([a, from, to]) => text(a).replaceAll(text(from), text(to)), type: 'text' },
  left: { call: ([a, n]) => text(a).slice(0, number(n)), type: 'text' },
  right: { call: ([a, n]) => text(a).slice(-number(n)), type: 'text' },
  md5: { call: ([a]) => `md5:${text(a)}`, type: 'text' },
  abs: { call: ([a]) => Math.abs(number(a)), type: 'numeric' },
  sign: { call: ([a]) => Math.sign(number(a)), type: 'numeric' },
  floor: { call: ([a]) => Math.floor(number(a)), type: 'int' },
  ceil: { call: ([a]) => Math.ceil(number(a)), type: 'int' },
  ceiling: { call: ([a]) => Math.ceil(number(a)), type: 'int' },
  round: {
    call: ([a, digits]) => Number(number(a).toFixed(digits === undefined ? 0 : number(digits))),
    type: 'numeric',
  },
  trunc: { call: ([a]) => Math.trunc(number(a)), type: 'int' },
  mod: { call: ([a, b]) => arithmetic('%', a ?? null, b ?? null, true), type: 'int' },
  power: { call: ([a, b]) => number(a) ** number(b), type: 'numeric' },
  cardinality: { call: ([a]) => items(a).length, type: 'int' },
  array_length: { call: ([a]) => items(a).length || null, type: 'int' },
  array_append: { call: ([a, b]) => ({ list: [...items(a), b ?? null] }), type: 'list' },
  array_remove: { call: ([a, b]) => ({ list: items(a).filter((item) => !same(item, b ?? null)) }), type: 'list' },
  tsrange: rangeOf('timestamp'),
  tstzrange: rangeOf('timestamp'),
  daterange: rangeOf('date'),
  int4range: range,
  int8range: range,
  numrange: range,
  date: { call: ([a]) => cast(a ?? null, 'date'), type: 'date' },
  date_trunc: { call: ([unit, time]) => truncate(text(unit), cast(time ?? null, 'timestamp')), type: 'timestamp' },
  jsonb_array_length: { call: ([a]) => (jsonOf(a ?? null) as unknown[]).length, type: 'int' },
  to_char: { call: ([a]) => text(a), type: 'text' },
  pg_sleep: { call: () => '', type: 'text' },
  sleep: { call: () => 0, type: 'int' },
};

/** Functions that see NULL arguments. */
export const FUNCTIONS: Readonly<Record<string, Scalar>> = {
  concat: { call: (args) => args.map((arg) => (arg === null ? '' : toText(arg))).join(''), type: 'text' },
  jsonb_build_object: { call: buildObject, type: 'json' },
  json_build_object: { call: buildObject, type: 'json' },
  to_jsonb: { call: ([a]) => ({ json: jsonOf(a ?? null) }), type: 'json' },
  to_json: { call: ([a]) => ({ json: jsonOf(a ?? null) }), type: 'json' },
  ifnull: { call: ([a, b]) => a ?? b ?? null, type: 'unknown' },
  num_nonnulls: { call: (args) => args.filter((arg) => arg !== null).length, type: 'int' },
};

function buildObject(args: readonly Value[]): Value {
  const entries: [string, unknown][] = [];
  for (let i = 0; i + 1 < args.length; i += 2) entries.push([text(args[i]), jsonOf(args[i + 1] ?? null)]);
  return { json: Object.fromEntries(entries) };
}

function truncate(unit: string, value: Value): Value {
  const iso = new Date((value as { time: number }).time).toISOString();
  const keep = { year: 4, month: 7, day: 10, hour: 13, minute: 16, second: 19 }[unit];
  return keep === undefined
    ? value
    : { time: Date.parse(`${iso.slice(0, keep)}${'0000-01-01T00:00:00.000Z'.slice(keep)}`) };
}

/** Aggregates over the values of a group, in row order. */
export const AGGREGATES: Readonly<
  Record<string, { readonly call: (values: readonly Value[]) => Value; readonly type: SqlType | 'argument' }>
> = {
  count: { call: (values) => values.filter((value) => value !== null).length, type: 'int' },
  sum: { call: (values) => fold(values, (a, b) => arithmetic('+', a, b, false)), type: 'argument' },
  min: { call: (values) => fold(values, (a, b) => (compare(b, a) < 0 ? b : a)), type: 'argument' },
  max: { call: (values) => fold(values, (a, b) => (compare(b, a) > 0 ? b : a)), type: 'argument' },
  avg: {
    call: (values) => {
      const known = values.filter((value) => value !== null);
      const total = fold(known, (a, b) => arithmetic('+', a, b, false));
      return total === null ? null : arithmetic('/', total, known.length, false);
    },
    type: 'numeric',
  },
  bool_and: { call: (values) => fold(values, (a, b) => a === true && b === true), type: 'bool' },
  every: { call: (values) => fold(values, (a, b) => a === true && b === true), type: 'bool' },
  bool_or: { call: (values) => fold(values, (a, b) => a === true || b === true), type: 'bool' },
  array_agg: { call: (values) => (values.length === 0 ? null : { list: values }), type: 'list' },
  string_agg: {
    call: (values) =>
      fold(
        values.map((value) => value && toText(value)),
        (a, b) => `${text(a)},${text(b)}`,
      ),
    type: 'text',
  },
  jsonb_agg: { call: (values) => ({ json: values.map(jsonOf) }), type: 'json' },
  json_agg: { call: (values) => ({ json: values.map(jsonOf) }), type: 'json' },
};

function fold(values: readonly Value[], join: (a: Value, b: Value) => Value): Value {
  let total: Value = null;
  for (const value of values) if (value !== null) total = total === null ? value : join(total, value);
  return total;
}

/** Value at a key or index of a JSON value, as `->` gives it; undefined becomes NULL. */
export function jsonAt(value: Value, key: Value): unknown {
  const json = jsonOf(cast(value, 'json'));
  if (json === null || typeof json !== 'object') return null;
  return (json as Record<string, unknown>)[toText(key)] ?? null;
}

/** Whether the JSON value `outer` contains `inner`, as `@>` decides it. */
export function jsonContains(outer: unknown, inner: unknown): boolean {
  if (Array.isArray(inner))
    return Array.isArray(outer) && inner.every((part) => outer.some((item) => jsonContains(item, part)));
  if (inner !== null && typeof inner === 'object') {
    return (
      outer !== null &&
      typeof outer === 'object' &&
      !Array.isArray(outer) &&
      Object.entries(inner).every(
        ([key, part]) => key in outer && jsonContains((outer as Record<string, unknown>)[key], part),
      )
    );
  }
  return outer === inner;
}

export { items as listItems, jsonOf };
