import { DatabaseError } from './errors.ts';
import { cast, isObject, jsonOf, jsonText, toText, type Value } from './values.ts';

/** JSON operators and functions (PostgreSQL manual, 9.16). */

/** The items of an array value; text is read as an array literal. */
export function listItems(value: Value | undefined): readonly Value[] {
  const list = typeof value === 'string' ? cast(value, 'list') : (value ?? null);
  return isObject(list) && 'list' in list ? list.list : [];
}

/** A JSON value as a SQL value: `undefined` is NULL. */
export const toJson = (json: unknown): Value => (json === undefined ? null : { json });

/** A JSON value as text, as `->>` gives it; JSON null is NULL. */
export const jsonAsText = (json: unknown): Value =>
  json === undefined || json === null ? null : typeof json === 'string' ? json : jsonText(json);

/** The part at a key or an index; undefined where there is none. */
export function jsonAt(value: Value, key: Value): unknown {
  const json = jsonOf(cast(value, 'json'));
  if (Array.isArray(json)) {
    const index = Number(toText(key));
    return Number.isInteger(index) ? json.at(index) : undefined;
  }
  if (json === null || typeof json !== 'object' || typeof key === 'number') return undefined;
  return Object.hasOwn(json, toText(key)) ? (json as Record<string, unknown>)[toText(key)] : undefined;
}

/** The part at a path of keys and indexes. */
export function jsonPath(value: Value, path: Value): unknown {
  let at: unknown = jsonOf(cast(value, 'json'));
  for (const key of listItems(path)) {
    if (at === undefined || at === null) return undefined;
    at = jsonAt({ json: at }, toText(key));
  }
  return at;
}

/** Whether `outer` contains `inner`, as `@>` decides it. */
export function jsonContains(outer: unknown, inner: unknown): boolean {
  if (Array.isArray(inner)) {
    return Array.isArray(outer) && inner.every((part) => outer.some((item) => jsonContains(item, part)));
  }
  if (inner !== null && typeof inner === 'object') {
    if (outer === null || typeof outer !== 'object' || Array.isArray(outer)) return false;
    return Object.entries(inner).every(
      ([key, part]) => key in outer && jsonContains((outer as Record<string, unknown>)[key], part),
    );
  }
  if (Array.isArray(outer)) return outer.some((item) => item === inner);
  return outer === inner;
}

/** Whether a text is a key of an object or an item of an array: `?`. */
export function jsonHasKey(value: Value, key: Value): boolean {
  const json = jsonOf(value);
  if (Array.isArray(json)) return json.includes(toText(key));
  return json !== null && typeof json === 'object' ? Object.hasOwn(json, toText(key)) : json === toText(key);
}

/** `||` of two JSON values. */
export function jsonConcat(a: unknown, b: unknown): unknown {
  const isMap = (x: unknown) => x !== null && typeof x === 'object' && !Array.isArray(x);
  if (isMap(a) && isMap(b)) return { ...(a as object), ...(b as object) };
  return [...(Array.isArray(a) ? a : [a]), ...(Array.isArray(b) ? b : [b])];
}

/** jsonb_set: replaces the part at a path; a missing last key is added unless `create` is false. */
export function jsonSet(json: unknown, path: readonly string[], next: unknown, create: boolean): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return json;
  if (json === null || typeof json !== 'object') throw new DatabaseError('22023', 'cannot set path in scalar');
  if (Array.isArray(json)) {
    const index = Number(key);
    if (!Number.isInteger(index)) {
      throw new DatabaseError('22P02', `path element is not an integer: "${key}"`);
    }
    const at = index < 0 ? json.length + index : index;
    const copy = [...json];
    if (at >= 0 && at < json.length) copy[at] = rest.length > 0 ? setBelow(json[at], rest, next, create) : next;
    else if (rest.length === 0 && create) at < 0 ? copy.unshift(next) : copy.push(next);
    return copy;
  }
  const map = json as Record<string, unknown>;
  const known = Object.hasOwn(map, key);
  if (rest.length > 0) return known ? { ...map, [key]: setBelow(map[key], rest, next, create) } : map;
  return known || create ? { ...map, [key]: next } : map;
}

/** A path that goes on below a scalar changes nothing. */
function setBelow(json: unknown, path: readonly string[], next: unknown, create: boolean): unknown {
  return json === null || typeof json !== 'object' ? json : jsonSet(json, path, next, create);
}
