import { cast, compare, isObject, makeRange, unknownOperator, type Value } from './values.ts';

/** Ranges (PostgreSQL manual, 8.17 and 9.20). An empty bound is infinite. */

type Range = readonly [lower: Value, upper: Value, bounds: string];

/** The parts of a range. @throws NotAnalysed for a value that is none. */
export function rangeOf(value: Value): Range {
  const range = typeof value === 'string' ? cast(value, 'range') : value;
  if (!isObject(range) || !('range' in range)) return unknownOperator('of ranges', value);
  return range.range;
}

/** Whether everything in `a` lies before everything in `b`. */
function before(a: Range, b: Range): boolean {
  const [, upper, aBounds] = a;
  const [lower, , bBounds] = b;
  if (upper === null || lower === null) return false;
  const order = compare(upper, lower);
  return order < 0 || (order === 0 && !(aBounds[1] === ']' && bBounds[0] === '['));
}

const isEmpty = (range: Range) => range[2] === 'empty';

/** `&&` */
export function overlaps(left: Value, right: Value): boolean {
  const [a, b] = [rangeOf(left), rangeOf(right)];
  return !isEmpty(a) && !isEmpty(b) && !before(a, b) && !before(b, a);
}

/** `<<` */
export function strictlyBefore(left: Value, right: Value): boolean {
  const [a, b] = [rangeOf(left), rangeOf(right)];
  return !isEmpty(a) && !isEmpty(b) && before(a, b);
}

/** `-|-` */
export function adjacent(left: Value, right: Value): boolean {
  const [a, b] = [rangeOf(left), rangeOf(right)];
  const touches = (x: Range, y: Range) =>
    x[1] !== null && y[0] !== null && compare(x[1], y[0]) === 0 && (x[2][1] === ']') !== (y[2][0] === '[');
  return touches(a, b) || touches(b, a);
}

/** `@>` of a range and a range or an element. */
export function contains(outer: Value, inner: Value): boolean {
  const a = rangeOf(outer);
  const isRange = (isObject(inner) && 'range' in inner) || (typeof inner === 'string' && /^[[(].*[\])]$/.test(inner));
  const b = isRange ? rangeOf(inner) : rangeOf(makeRange(inner, inner, '[]', false));
  if (isEmpty(b)) return true;
  if (isEmpty(a)) return false;
  const low =
    a[0] === null ||
    (b[0] !== null && (compare(a[0], b[0]) < 0 || (compare(a[0], b[0]) === 0 && (a[2][0] === '[' || b[2][0] === '('))));
  const high =
    a[1] === null ||
    (b[1] !== null && (compare(a[1], b[1]) > 0 || (compare(a[1], b[1]) === 0 && (a[2][1] === ']' || b[2][1] === ')'))));
  return low && high;
}
