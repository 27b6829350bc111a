import { DatabaseError, NotAnalysed } from './errors.ts';
import { intervalLength, intervalText, parseInterval, parseTime } from './times.ts';

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

export const DAY = 86_400_000;

/** Turns a value into the type of a column or cast. @throws DatabaseError 22P02 for text that does not fit. */
export function cast(value: Value, type: SqlType): Value {
  if (value === null || type === 'unknown') return value;
  switch (type) {
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) ? value : roundHalfAway(toNumber(value, 'integer'));
    case 'numeric':
      return toNumber(value, 'numeric');
    case 'bool':
      return toBoolean(value);
    case 'text':
      return typeof value === 'string' ? value : toText(value);
    case 'date':
      return { time: Math.floor(toTime(value) / DAY) * DAY, date: true };
    case 'timestamp':
      return { time: toTime(value) };
    case 'interval':
      return typeof value === 'string' ? parseInterval(value) : value;
    case 'json':
      if (isObject(value) && 'json' in value) return value;
      if (typeof value !== 'string') return { json: jsonOf(value) };
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

const roundHalfAway = (x: number) => Math.sign(x) * Math.round(Math.abs(x));

/** @throws DatabaseError 22P02 */
export function toNumber(value: Value, type = 'numeric'): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) {
    if (type === 'integer' && !/^\s*[+-]?\d+\s*$/.test(value)) {
      throw new DatabaseError('22P02', `invalid input syntax for type integer: "${value}"`);
    }
    return Number(value);
  }
  if (isObject(value) && 'json' in value && typeof value.json === 'number') return value.json;
  throw new DatabaseError('22P02', `invalid input syntax for type ${type}: "${toText(value)}"`);
}

function toBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (isObject(value) && 'json' in value && typeof value.json === 'boolean') return value.json;
  const text = toText(value).trim().toLowerCase();
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
    if (value.date) return iso.slice(0, 10);
    return iso
      .slice(0, 23)
      .replace('T', ' ')
      .replace(/\.?0+$/, (end) => (end.startsWith('.') ? '' : end));
  }
  if ('interval' in value) return intervalText(value.interval);
  if ('range' in value) {
    const [low, high, bounds] = value.range;
    if (bounds === 'empty') return 'empty';
    const bound = (part: Value) =>
      part === null ? '' : /[ ,"]/.test(toText(part)) ? `"${toText(part)}"` : toText(part);
    return `${bounds[0]}${bound(low)},${bound(high)}${bounds[1]}`;
  }
  if ('list' in value) return `{${value.list.map(listItemText).join(',')}}`;
  return typeof value.json === 'string' ? value.json : jsonText(value.json);
}

const listItemText = (item: Value): string => {
  if (typeof item === 'boolean') return item ? 't' : 'f';
  if (typeof item === 'string' && (/[\s,{}"\\]/.test(item) || item === '' || /^null$/i.test(item))) {
    return `"${item.replace(/["\\]/g, '\\$&')}"`;
  }
  return toText(item);
};

/** JSON as PostgreSQL prints jsonb: keys by length and then by letters, a space after each colon and comma. */
export function jsonText(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(jsonText).join(', ')}]`;
  if (json !== null && typeof json === 'object') {
    const entries = Object.entries(json).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    return `{${entries.map(([key, part]) => `${JSON.stringify(key)}: ${jsonText(part)}`).join(', ')}}`;
  }
  return JSON.stringify(json) ?? 'null';
}

/** A value as JSON. */
export function jsonOf(value: Value): unknown {
  if (value === null || typeof value !== 'object') return value;
  if ('json' in value) return value.json;
  if ('list' in value) return value.list.map(jsonOf);
  if ('time' in value && !value.date) return toText(value).replace(' ', 'T');
  return toText(value);
}

function toTime(value: Value): number {
  if (isObject(value) && 'time' in value) return value.time;
  return parseTime(toText(value));
}

function parseRange(text: string): Value {
  if (text.trim() === 'empty') return { range: [null, null, 'empty'] };
  const match = /^([[(])([^,]*),([^)\]]*)([)\]])$/.exec(text.trim());
  if (!match) throw new DatabaseError('22P02', `malformed range literal: "${text}"`);
  const bound = (part: string): Value => {
    const bare = part.trim().replace(/^"|"$/g, '');
    if (bare === '') return null;
    if (Number.isFinite(Number(bare))) return Number(bare);
    return /^\d{4}-\d{2}-\d{2}$/.test(bare) ? { time: parseTime(bare), date: true } : { time: parseTime(bare) };
  };
  return makeRange(bound(match[2] ?? ''), bound(match[3] ?? ''), `${match[1]}${match[4]}`);
}

/** A range in its canonical form: whole numbers and dates as `[)`. @throws DatabaseError 22000 */
export function makeRange(low: Value, high: Value, bounds: string, discrete = true): Value {
  if (low !== null && high !== null && compare(low, high) > 0) {
    throw new DatabaseError('22000', 'range lower bound must be less than or equal to range upper bound');
  }
  const step = (value: Value): Value => {
    if (typeof value === 'number' && Number.isInteger(value)) return value + 1;
    if (isObject(value) && 'time' in value && value.date) return { time: value.time + DAY, date: true };
    return value;
  };
  const isDiscrete = (value: Value) => value === null || (discrete && step(value) !== value);
  let [from, to, open, close] = [low, high, bounds[0] ?? '[', bounds[1] ?? ')'];
  if (isDiscrete(from) && isDiscrete(to)) {
    if (open === '(' && from !== null) [from, open] = [step(from), '['];
    if (close === ']' && to !== null) [to, close] = [step(to), ')'];
  }
  if (from === null) open = '(';
  if (to === null) close = ')';
  if (from !== null && to !== null) {
    const order = compare(from, to);
    if (order > 0 || (order === 0 && !(open === '[' && close === ']'))) return { range: [null, null, 'empty'] };
  }
  return { range: [from, to, `${open}${close}`] };
}

function parseList(text: string): Value {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1];
  if (inner === undefined) throw new DatabaseError('22P02', `malformed array literal: "${text}"`);
  const items = inner === '' ? [] : (inner.match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? []);
  return {
    list: items.map((raw) => {
      const item = raw.trim();
      if (item.startsWith('"')) return item.slice(1, -1).replace(/\\(.)/g, '$1');
      if (item.toUpperCase() === 'NULL') return null;
      return Number.isFinite(Number(item)) ? Number(item) : item;
    }),
  };
}

/** A list with every item converted. */
export const listOf = (value: Value, convert: (item: Value) => Value): Value =>
  isObject(value) && 'list' in value
    ? { list: value.list.map((item) => (item === null ? null : convert(item))) }
    : value;

/** Whether a value is neither NULL nor a JavaScript scalar. */
export const isObject = (value: Value): value is Exclude<Value, null | boolean | number | string> =>
  value !== null && typeof value === 'object';

/** An untyped text beside a typed value takes its type, as a literal does in SQL. */
function asLike(value: Value, other: Value): Value {
  if (typeof value !== 'string') return value;
  if (typeof other === 'number') return cast(value, 'numeric');
  if (typeof other === 'boolean') return cast(value, 'bool');
  if (isObject(other)) return cast(value, typeOf(other));
  return value;
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
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  const a = asLike(left, right);
  const b = asLike(right, left);
  if (typeof a === 'boolean' || typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (isObject(a) && isObject(b)) {
    if ('time' in a && 'time' in b) return a.time - b.time;
    if ('interval' in a && 'interval' in b) return intervalLength(a.interval) - intervalLength(b.interval);
    if ('list' in a && 'list' in b) return compareLists(a.list, b.list);
    if ('range' in a && 'range' in b) return compareLists(a.range, b.range);
  }
  const [x, y] = [sortText(a), sortText(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

const sortText = (value: Value) => (isObject(value) ? jsonText(jsonOf(value)) : String(value));

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareNullable(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Order in which NULL comes last, as PostgreSQL sorts. */
export function compareNullable(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compare(a, b);
}

/** Equality in which two NULLs are equal: for DISTINCT, GROUP BY and comparing states. */
export function same(a: Value, b: Value): boolean {
  return a === b || (a !== null && b !== null && compare(a, b) === 0);
}

/** A text that two values share exactly when they are the same: for grouping. */
export function keyText(values: readonly Value[]): string {
  let text = '';
  for (const value of values) {
    text +=
      typeof value === 'string' ? `${value.length}:${value};` : isObject(value) ? `${sortText(value)};` : `${value};`;
  }
  return text;
}

/** @throws NotAnalysed always: the operator has no meaning here for these types. */
export function unknownOperator(operator: string, ...values: Value[]): never {
  throw new NotAnalysed(`operator ${operator} on ${values.map(typeOf).join(' and ')}`);
}
