import { DatabaseError, NotAnalysed } from './errors.ts';

/**
 * A SQL value as plain data, so that a state can be written as JSON. Times are milliseconds since 1970 in UTC, dates
 * are times at midnight; an interval keeps months, days and milliseconds apart, as PostgreSQL does.
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | { readonly time: number; readonly date?: true }
  | { readonly interval: readonly [months: number, days: number, ms: number] }
  | { readonly range: readonly [lower: Value, upper: Value, bounds: string] }
  | { readonly list: readonly Value[] }
  | { readonly json: unknown };

/** A column or cast type; what is not listed is kept as text. */
export type SqlType =
  | 'int'
  | 'numeric'
  | 'bool'
  | 'text'
  | 'date'
  | 'timestamp'
  | 'interval'
  | 'json'
  | 'range'
  | 'list'
  | 'unknown';

const DAY = 86_400_000;

/** Turns a value into the type of a column or cast. @throws DatabaseError 22P02 for text that does not fit. */
export function cast(value: Value, type: SqlType): Value {
  if (value === null || type === 'unknown') return value;
  switch (type) {
    case 'int':
      return Math.round(toNumber(value));
    case 'numeric':
      return toNumber(value);
    case 'bool':
      return toBoolean(value);
    case 'text':
      return toText(value);
    case 'date':
      return { time: Math.floor(toTime(value) / DAY) * DAY, date: true };
    case 'timestamp':
      return { time: toTime(value) };
    case 'interval':
      return typeof value === 'string' ? parseInterval(value) : value;
    case 'json':
      if (typeof value !== 'string') return value;
      try {
        return { json: JSON.parse(value) };
      } catch {
        throw new DatabaseError('22P02', `invalid input syntax for type json: "${value}"`);
      }
    case 'range':
      return typeof value === 'string' ? parseRange(value) : value;
    case 'list':
      return typeof value === 'string' ? parseList(value) : value;
  }
}

function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  if (isObject(value) && 'json' in value && typeof value.json === 'number') return value.json;
  throw new DatabaseError('22P02', `invalid input syntax for a number: ${toText(value)}`);
}

function toBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  const text = toText(value).toLowerCase();
  if (['t', 'true', 'yes', 'on', '1', 'y'].includes(text)) return true;
  if (['f', 'false', 'no', 'off', '0', 'n'].includes(text)) return false;
  throw new DatabaseError('22P02', `invalid input syntax for type boolean: "${text}"`);
}

/** Text as the database would print it. */
export function toText(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'object') return String(value);
  if ('time' in value) {
    const iso = new Date(value.time).toISOString();
    return value.date ? iso.slice(0, 10) : iso.slice(0, 19).replace('T', ' ');
  }
  if ('interval' in value) {
    const [months, days, ms] = value.interval;
    return [months && `${months} mon`, days && `${days} day`, ms && `${ms / 1000} s`].filter(Boolean).join(' ') || '0';
  }
  if ('range' in value)
    return `${value.range[2][0]}${toText(value.range[0])},${toText(value.range[1])}${value.range[2][1]}`;
  if ('list' in value) return `{${value.list.map(toText).join(',')}}`;
  return typeof value.json === 'string' ? value.json : JSON.stringify(value.json);
}

function toTime(value: Value): number {
  if (isObject(value) && 'time' in value) return value.time;
  const text = toText(value).trim();
  const plain = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text.replace(' ', 'T');
  const time = Date.parse(
    /(Z|[+-]\d{2}(:?\d{2})?)$/.test(plain) ? plain.replace(/([+-]\d{2})$/, '$1:00') : `${plain}Z`,
  );
  if (Number.isNaN(time)) throw new DatabaseError('22007', `invalid input syntax for a date or time: "${text}"`);
  return time;
}

const UNITS: Readonly<Record<string, readonly [number, number, number]>> = {
  year: [12, 0, 0],
  mon: [1, 0, 0],
  month: [1, 0, 0],
  week: [0, 7, 0],
  day: [0, 1, 0],
  hour: [0, 0, 3_600_000],
  minute: [0, 0, 60_000],
  min: [0, 0, 60_000],
  second: [0, 0, 1000],
  sec: [0, 0, 1000],
};

function parseInterval(text: string): Value {
  const total: [number, number, number] = [0, 0, 0];
  const clock = /(-?)(\d+):(\d{2})(?::(\d{2}))?/.exec(text);
  if (clock)
    total[2] = (Number(clock[2]) * 3600 + Number(clock[3]) * 60 + Number(clock[4] ?? 0)) * 1000 * (clock[1] ? -1 : 1);
  for (const [, count, unit] of text.matchAll(/(-?\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const size = UNITS[String(unit).toLowerCase().replace(/s$/, '')];
    if (!size) throw new DatabaseError('22007', `invalid input syntax for type interval: "${text}"`);
    for (const i of [0, 1, 2] as const) total[i] += Number(count) * size[i];
  }
  return { interval: total };
}

function parseRange(text: string): Value {
  const match = /^([[(])([^,]*),([^)\]]*)([)\]])$/.exec(text.trim());
  if (!match) throw new DatabaseError('22P02', `malformed range literal: "${text}"`);
  const bound = (part: string): Value => {
    const bare = part.trim().replace(/^"|"$/g, '');
    if (bare === '') return null;
    return Number.isFinite(Number(bare)) ? Number(bare) : { time: toTime(bare) };
  };
  return { range: [bound(match[2] ?? ''), bound(match[3] ?? ''), `${match[1]}${match[4]}`] };
}

function parseList(text: string): Value {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1];
  if (inner === undefined) throw new DatabaseError('22P02', `malformed array literal: "${text}"`);
  const items = inner === '' ? [] : inner.split(',').map((item) => item.trim().replace(/^"|"$/g, ''));
  return { list: items.map((item) => (item === 'NULL' ? null : Number.isFinite(Number(item)) ? Number(item) : item)) };
}

const isObject = (value: Value): value is Exclude<Value, null | boolean | number | string> =>
  value !== null && typeof value === 'object';

/** An untyped text beside a typed value takes its type, as a literal does in SQL. */
function agree(a: Value, b: Value): [Value, Value] {
  if (typeof a === typeof b && typeof a !== 'object') return [a, b];
  const as = (value: Value, other: Value): Value => {
    if (typeof value !== 'string') return value;
    if (typeof other === 'number') return cast(value, 'numeric');
    if (typeof other === 'boolean') return cast(value, 'bool');
    if (isObject(other)) return cast(value, typeOf(other));
    return value;
  };
  return [as(a, b), as(b, a)];
}

/** The type of a value that is not NULL. */
export function typeOf(value: Value): SqlType {
  if (value === null) return 'unknown';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'numeric';
  if (typeof value === 'string') return 'text';
  if ('time' in value) return value.date ? 'date' : 'timestamp';
  if ('interval' in value) return 'interval';
  if ('range' in value) return 'range';
  return 'list' in value ? 'list' : 'json';
}

/** Order of two values that are not NULL: negative, zero or positive. */
export function compare(left: Value, right: Value): number {
  const [a, b] = agree(left, right);
  if (typeof a === 'boolean' || typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (isObject(a) && isObject(b)) {
    if ('time' in a && 'time' in b) return a.time - b.time;
    if ('interval' in a && 'interval' in b) return length(a.interval) - length(b.interval);
  }
  const [x, y] = isObject(a) || isObject(b) ? [JSON.stringify(a), JSON.stringify(b)] : [String(a), String(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

const length = ([months, days, ms]: readonly [number, number, number]) => (months * 30 + days) * DAY + ms;

/** Equality in which two NULLs are equal: for DISTINCT, GROUP BY and comparing states. */
export function same(a: Value, b: Value): boolean {
  return a === b || (a !== null && b !== null && compare(a, b) === 0);
}

/** Applies `+ - * / %`. `integer` says that `/` cuts the fraction off. */
export function arithmetic(operator: string, left: Value, right: Value, integer: boolean): Value {
  if (left === null || right === null) return null;
  const [a, b] =
    typeof left === 'string' && isObject(right) && !('interval' in right)
      ? [cast(left, 'timestamp'), right]
      : [left, right];
  if (isObject(a) && 'time' in a) return timeArithmetic(operator, a, b);
  if (isObject(b) && 'time' in b) return timeArithmetic(operator, b, a);
  if (isObject(a) && 'interval' in a) return intervalArithmetic(operator, a.interval, b);
  if (isObject(a) || isObject(b)) throw new NotAnalysed(`operator ${operator} on ${typeOf(a)} and ${typeOf(b)}`);
  const x = toNumber(a);
  const y = toNumber(b);
  switch (operator) {
    case '+':
      return tidy(x + y);
    case '-':
      return tidy(x - y);
    case '*':
      return tidy(x * y);
    case '/':
    case '%':
      if (y === 0) throw new DatabaseError('22012', 'division by zero');
      if (operator === '%') return tidy(x % y);
      return integer ? Math.trunc(x / y) : tidy(x / y);
    default:
      throw new NotAnalysed(`operator ${operator}`);
  }
}

/** Keeps decimal fractions decimal: 0.1 + 0.2 is 0.3 for NUMERIC. */
const tidy = (x: number) => (Number.isInteger(x) ? x : Math.round(x * 1e10) / 1e10);

function timeArithmetic(operator: string, a: { time: number; date?: true }, b: Value): Value {
  const sign = operator === '-' ? -1 : 1;
  if (operator !== '+' && operator !== '-') throw new NotAnalysed(`operator ${operator} on a date or time`);
  const other = typeof b === 'string' ? parseInterval(b) : b;
  if (typeof other === 'number') return { time: a.time + sign * other * DAY, ...(a.date && { date: true }) };
  if (isObject(other) && 'time' in other) {
    return a.date && other.date ? (a.time - other.time) / DAY : { interval: [0, 0, a.time - other.time] };
  }
  if (!isObject(other) || !('interval' in other)) throw new NotAnalysed(`operator ${operator} on a date or time`);
  const [months, days, ms] = other.interval;
  const moved = new Date(a.time);
  moved.setUTCMonth(moved.getUTCMonth() + sign * months);
  return { time: moved.getTime() + sign * (days * DAY + ms) };
}

function intervalArithmetic(operator: string, a: readonly [number, number, number], b: Value): Value {
  if (typeof b === 'number' && (operator === '*' || operator === '/')) {
    const factor = operator === '*' ? b : 1 / b;
    return { interval: [a[0] * factor, a[1] * factor, a[2] * factor] };
  }
  if (isObject(b) && 'interval' in b && (operator === '+' || operator === '-')) {
    const sign = operator === '-' ? -1 : 1;
    return { interval: [a[0] + sign * b.interval[0], a[1] + sign * b.interval[1], a[2] + sign * b.interval[2]] };
  }
  throw new NotAnalysed(`operator ${operator} on an interval`);
}

/** Whether two ranges share a point; an empty bound is infinite. */
export function overlaps(left: Value, right: Value): boolean {
  const [a, b] = [cast(left, 'range'), cast(right, 'range')];
  if (!isObject(a) || !isObject(b) || !('range' in a) || !('range' in b))
    throw new NotAnalysed('&& on values that are not ranges');
  const before = (upper: Value, closedUpper: boolean, lower: Value, closedLower: boolean) => {
    if (upper === null || lower === null) return false;
    const order = compare(upper, lower);
    return order < 0 || (order === 0 && !(closedUpper && closedLower));
  };
  const [aLow, aHigh, aBounds] = a.range;
  const [bLow, bHigh, bBounds] = b.range;
  return (
    !before(aHigh, aBounds[1] === ']', bLow, bBounds[0] === '[') &&
    !before(bHigh, bBounds[1] === ']', aLow, aBounds[0] === '[')
  );
}
