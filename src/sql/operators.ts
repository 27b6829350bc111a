import { arithmetic } from './arithmetic.ts';
import { NotAnalysed } from './errors.ts';
import { jsonAsText, jsonAt, jsonConcat, jsonContains, jsonHasKey, jsonPath, listItems, toJson } from './json.ts';
import type { Dialect } from './parse.ts';
import type { Expression } from './plan.ts';
import { adjacent, contains, overlaps, strictlyBefore } from './ranges.ts';
import { of } from './scope.ts';
import { cast, compare, isObject, jsonOf, type SqlType, same, toText, type Value } from './values.ts';

/** Operators (PostgreSQL manual, chapter 9). */

type Present = Exclude<Value, null>;

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const isJson = (value: Value): value is { json: unknown } => isObject(value) && 'json' in value;
const isList = (value: Value): value is { list: readonly Value[] } => isObject(value) && 'list' in value;
const isRange = (value: Value) => isObject(value) && 'range' in value;

const regex = (flags: string, negated: boolean) => (a: Present, b: Present) =>
  new RegExp(toText(b), flags).test(toText(a)) !== negated;

const OPERATORS: Readonly<Record<string, (a: Present, b: Present) => Value>> = {
  '||': (a, b) => {
    if (isList(a) || isList(b)) {
      const items = (value: Value) =>
        isList(value) ? value.list : typeof value === 'string' && value.startsWith('{') ? listItems(value) : [value];
      return { list: [...items(a), ...items(b)] };
    }
    if (isJson(a) || isJson(b)) return { json: jsonConcat(jsonOf(cast(a, 'json')), jsonOf(cast(b, 'json'))) };
    return toText(a) + toText(b);
  },
  '&&': (a, b) => {
    if (isList(a) || isList(b)) {
      const others = listItems(b);
      return listItems(a).some((item) => item !== null && others.some((other) => other !== null && same(item, other)));
    }
    return overlaps(a, b);
  },
  '<<': strictlyBefore,
  '>>': (a, b) => strictlyBefore(b, a),
  '-|-': adjacent,
  '->': (a, b) => toJson(jsonAt(a, b)),
  '->>': (a, b) => jsonAsText(jsonAt(a, b)),
  '#>': (a, b) => toJson(jsonPath(a, b)),
  '#>>': (a, b) => jsonAsText(jsonPath(a, b)),
  '@>': (a, b) => {
    if (isRange(a) || (isRange(b) && typeof a === 'string')) return contains(a, b);
    if (isList(a) || isList(b)) {
      const own = listItems(a);
      return listItems(b).every((item) => item !== null && own.some((other) => other !== null && same(other, item)));
    }
    return jsonContains(jsonOf(cast(a, 'json')), jsonOf(cast(b, 'json')));
  },
  '<@': (a, b) => apply('@>', b, a),
  '?': jsonHasKey,
  '?|': (a, b) => listItems(b).some((key) => jsonHasKey(a, key)),
  '?&': (a, b) => listItems(b).every((key) => jsonHasKey(a, key)),
  '~': regex('', false),
  '~*': regex('i', false),
  '!~': regex('', true),
  '!~*': regex('i', true),
  '#-': (a, b) => {
    const path = listItems(b).map(toText);
    const remove = (json: unknown, [key, ...rest]: string[]): unknown => {
      if (key === undefined || json === null || typeof json !== 'object' || Array.isArray(json)) return json;
      const map = json as Record<string, unknown>;
      if (rest.length > 0) return key in map ? { ...map, [key]: remove(map[key], rest) } : map;
      return Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
    };
    return { json: remove(jsonOf(a), path) };
  },
};

/** Applies a comparison or another operator; NULL gives NULL. @throws NotAnalysed for an unknown operator. */
export function apply(name: string, a: Value, b: Value): Value {
  const comparison = COMPARISONS[name];
  if (comparison) return a === null || b === null ? null : comparison(compare(a, b));
  const other = OPERATORS[name];
  if (!other) throw new NotAnalysed(`operator ${name}`);
  return a === null || b === null ? null : other(a, b);
}

/** Compiles `left name right`. */
export function binary(name: string, left: Expression, right: Expression, dialect: Dialect): Expression {
  const [x, y] = [left.evaluate, right.evaluate];
  if (name.length === 1 && '+-*/%^'.includes(name)) {
    const whole = (type: SqlType) => type === 'int' || type === 'unknown';
    const integer = dialect !== 'mysql' && dialect !== 'oracle' && whole(left.type) && whole(right.type);
    const type = arithmeticType(name, left.type, right.type, integer);
    return of(type, (env, run) => arithmetic(name, x(env, run), y(env, run), integer));
  }
  const comparison = COMPARISONS[name];
  if (comparison) {
    if (foldsCase(dialect)) {
      return of('bool', (env, run) => {
        const [a, b] = [fold(x(env, run)), fold(y(env, run))];
        return a === null || b === null ? null : comparison(compare(a, b));
      });
    }
    return of('bool', (env, run) => {
      const [a, b] = [x(env, run), y(env, run)];
      return a === null || b === null ? null : comparison(compare(a, b));
    });
  }
  apply(name, null, null);
  const json = left.type === 'json';
  const type: SqlType =
    name === '||'
      ? left.type === 'list' || right.type === 'list'
        ? 'list'
        : json || right.type === 'json'
          ? 'json'
          : 'text'
      : name === '->' || name === '#>' || name === '#-'
        ? 'json'
        : name === '->>' || name === '#>>'
          ? 'text'
          : 'bool';
  if (dialect === 'mysql' && name === '||') throw new NotAnalysed('|| (MySQL: OR, or text with PIPES_AS_CONCAT)');
  return of(type, (env, run) => apply(name, x(env, run), y(env, run)));
}

function arithmeticType(name: string, left: SqlType, right: SqlType, integer: boolean): SqlType {
  if (left === 'unknown') return right;
  if (left === 'date' && right === 'date') return 'int';
  if (left === 'timestamp' && right === 'timestamp') return 'interval';
  if (left === 'int' && (right === 'numeric' || (name === '/' && !integer))) return 'numeric';
  if (
    (left === 'int' || left === 'numeric' || left === 'interval') &&
    (right === 'interval' || right === 'date' || right === 'timestamp')
  ) {
    return right;
  }
  if (left === 'date' && right === 'interval') return 'timestamp';
  return left;
}

/** Whether text is compared without regard to case: the default collations of MySQL and SQL Server. */
export const foldsCase = (dialect: Dialect): boolean => dialect === 'mysql' || dialect === 'sqlserver';

/** A value as such a collation compares it. */
export const fold = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value);

/** Three-valued equality of rows: a NULL on either side leaves the question open unless another part decides. */
export function compareRows(name: string, a: readonly Value[], b: readonly Value[]): Value {
  if (name === '=' || name === '<>') {
    let open = false;
    for (const [i, value] of a.entries()) {
      const equal = apply('=', value, b[i] ?? null);
      if (equal === false) return name === '<>';
      if (equal === null) open = true;
    }
    return open ? null : name === '=';
  }
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? null;
    if (value === null || other === null) return null;
    const order = compare(value, other);
    if (order !== 0) return apply(name, order, 0);
  }
  return apply(name, 0, 0);
}

/** A LIKE pattern as a regular expression. */
export function likePattern(pattern: string, ignoreCase: boolean): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    let char = pattern[i] ?? '';
    if (char === '%') source += '.*';
    else if (char === '_') source += '.';
    else {
      if (char === '\\') char = pattern[++i] ?? '\\';
      source += char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    }
  }
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
}

/** `ANY` or `ALL` over truth values. */
export function quantify(results: readonly Value[], all: boolean): boolean | null {
  if (results.some((result) => result === !all)) return !all;
  return results.some((result) => result === null) ? null : all;
}
