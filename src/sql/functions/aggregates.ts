import { arithmetic } from '../arithmetic.ts';
import { compare, jsonOf, type SqlType, toText, type Value } from '../values.ts';

/** A function of the values of a group, in row order; `more` are the other arguments of the first row. */
export interface Aggregate {
  readonly call: (values: readonly Value[], more: readonly Value[]) => Value;
  readonly type: SqlType | 'argument';
  /** Called with all arguments of each row. */
  readonly rows?: (rows: readonly (readonly Value[])[]) => Value;
}

function fold(values: readonly Value[], join: (a: Value, b: Value) => Value): Value {
  let total: Value = null;
  for (const value of values) if (value !== null) total = total === null ? value : join(total, value);
  return total;
}

const sum = (values: readonly Value[]) => fold(values, (a, b) => arithmetic('+', a, b, false));
const every: Aggregate = { call: (values) => fold(values, (a, b) => a === true && b === true), type: 'bool' };
const jsonAgg: Aggregate = {
  call: (values) => (values.length === 0 ? null : { json: values.map(jsonOf) }),
  type: 'json',
};
const objectAgg: Aggregate = {
  call: () => null,
  rows: (rows) =>
    rows.length === 0
      ? null
      : { json: Object.fromEntries(rows.map(([key, value]) => [toText(key ?? null), jsonOf(value ?? null)])) },
  type: 'json',
};

function deviation(values: readonly Value[], sample: boolean, root: boolean): Value {
  const known = values.filter((value) => value !== null).map(Number);
  const count = known.length - (sample ? 1 : 0);
  if (count < 1) return null;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const variance = known.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
  return root ? Math.sqrt(variance) : variance;
}

/** Aggregates (PostgreSQL manual, 9.21). */
export const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  count: { call: (values) => values.filter((value) => value !== null).length, type: 'int' },
  sum: { call: sum, type: 'argument' },
  min: { call: (values) => fold(values, (a, b) => (compare(b, a) < 0 ? b : a)), type: 'argument' },
  max: { call: (values) => fold(values, (a, b) => (compare(b, a) > 0 ? b : a)), type: 'argument' },
  avg: {
    call: (values) => {
      const known = values.filter((value) => value !== null);
      const total = sum(known);
      return total === null ? null : arithmetic('/', total, known.length, false);
    },
    type: 'numeric',
  },
  bool_and: every,
  every,
  bool_or: { call: (values) => fold(values, (a, b) => a === true || b === true), type: 'bool' },
  array_agg: { call: (values) => (values.length === 0 ? null : { list: values }), type: 'list' },
  string_agg: {
    call: (values, [by]) =>
      fold(
        values.map((value) => value && toText(value)),
        (a, b) => `${toText(a)}${toText(by ?? '')}${toText(b)}`,
      ),
    type: 'text',
  },
  group_concat: {
    call: (values) =>
      fold(
        values.map((value) => value && toText(value)),
        (a, b) => `${toText(a)},${toText(b)}`,
      ),
    type: 'text',
  },
  jsonb_agg: jsonAgg,
  json_agg: jsonAgg,
  jsonb_object_agg: objectAgg,
  json_object_agg: objectAgg,
  var_pop: { call: (values) => deviation(values, false, false), type: 'numeric' },
  variance: { call: (values) => deviation(values, true, false), type: 'numeric' },
  var_samp: { call: (values) => deviation(values, true, false), type: 'numeric' },
  stddev: { call: (values) => deviation(values, true, true), type: 'numeric' },
  stddev_pop: { call: (values) => deviation(values, false, true), type: 'numeric' },
};
