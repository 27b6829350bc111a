import { DatabaseError } from '../errors.ts';
import { jsonAsText, jsonPath, jsonSet, listItems, toJson } from '../json.ts';
import { rangeOf } from '../ranges.ts';
import { cast, isObject, jsonOf, makeRange, same, toText, type Value } from '../values.ts';
import { loose, type Scalar, scalar } from './scalar.ts';

const text = (value: Value | undefined) => toText(value ?? null);
const json = (value: Value | undefined) => jsonOf(cast(value ?? null, 'json'));
const list = (items: readonly Value[]): Value => ({ list: items });

const range = (discrete: boolean, type?: 'date' | 'timestamp'): Scalar =>
  loose('range', ([low, high, bounds]) => {
    const bound = (value: Value | undefined) => (type ? cast(value ?? null, type) : (value ?? null));
    return makeRange(bound(low), bound(high), bounds === undefined ? '[)' : text(bounds), discrete);
  });

const buildObject = loose('json', (args) => {
  if (args.length % 2 === 1) throw new DatabaseError('22023', 'argument list must have even number of elements');
  const entries: [string, unknown][] = [];
  for (let i = 0; i + 1 < args.length; i += 2) {
    if (args[i] === null) throw new DatabaseError('22023', 'argument must not be null');
    entries.push([text(args[i]), jsonOf(args[i + 1] ?? null)]);
  }
  return { json: Object.fromEntries(entries) };
});
const buildArray = loose('json', (args) => ({ json: args.map(jsonOf) }));
const toJsonb = scalar('json', ([a]) => ({ json: jsonOf(a ?? null) }));
const arrayLength = scalar('int', ([a]) => (json(a) as unknown[]).length);
const typeName = scalar('text', ([a]) => {
  const value = json(a);
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
});

/** Functions of arrays, JSON and ranges (PostgreSQL manual, 9.16, 9.19, 9.20). */
export const COLLECTION_FUNCTIONS: Readonly<Record<string, Scalar>> = {
  cardinality: scalar('int', ([a]) => listItems(a).length),
  array_length: scalar('int', ([a]) => listItems(a).length || null),
  array_append: loose('list', ([a, b]) => list([...listItems(a), b ?? null])),
  array_prepend: loose('list', ([a, b]) => list([a ?? null, ...listItems(b)])),
  array_cat: loose('list', ([a, b]) => list([...listItems(a), ...listItems(b)])),
  array_remove: loose('list', ([a, b]) =>
    a === null ? null : list(listItems(a).filter((item) => !same(item, b ?? null))),
  ),
  array_replace: loose('list', ([a, from, to]) =>
    a === null ? null : list(listItems(a).map((item) => (same(item, from ?? null) ? (to ?? null) : item))),
  ),
  array_position: loose('int', ([a, b]) => {
    const at = listItems(a).findIndex((item) => same(item, b ?? null));
    return at < 0 ? null : at + 1;
  }),
  tsrange: range(false, 'timestamp'),
  tstzrange: range(false, 'timestamp'),
  daterange: range(true, 'date'),
  int4range: range(true),
  int8range: range(true),
  numrange: range(false),
  isempty: scalar('bool', ([a]) => rangeOf(a ?? null)[2] === 'empty'),
  lower_inc: scalar('bool', ([a]) => rangeOf(a ?? null)[2][0] === '['),
  upper_inc: scalar('bool', ([a]) => rangeOf(a ?? null)[2][1] === ']'),
  lower_inf: scalar('bool', ([a]) => rangeOf(a ?? null)[0] === null && rangeOf(a ?? null)[2] !== 'empty'),
  upper_inf: scalar('bool', ([a]) => rangeOf(a ?? null)[1] === null && rangeOf(a ?? null)[2] !== 'empty'),
  jsonb_array_length: arrayLength,
  json_array_length: arrayLength,
  jsonb_typeof: typeName,
  json_typeof: typeName,
  jsonb_build_object: buildObject,
  json_build_object: buildObject,
  json_object: buildObject,
  jsonb_build_array: buildArray,
  json_build_array: buildArray,
  to_jsonb: toJsonb,
  to_json: toJsonb,
  jsonb_strip_nulls: scalar('json', ([a]) => {
    const strip = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(strip)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value).flatMap(([key, part]) => (part === null ? [] : [[key, strip(part)]])),
            )
          : value;
    return { json: strip(json(a)) };
  }),
  jsonb_set: scalar('json', ([a, path, next, create]) => ({
    json: jsonSet(json(a), listItems(path).map(toText), json(next), create !== false),
  })),
  jsonb_insert: scalar('json', ([a, path, next]) => ({
    json: jsonSet(json(a), listItems(path).map(toText), json(next), true),
  })),
  jsonb_extract_path: scalar('json', ([a, ...path]) => toJson(jsonPath(a ?? null, list(path)))),
  jsonb_extract_path_text: scalar('text', ([a, ...path]) => jsonAsText(jsonPath(a ?? null, list(path)))),
  json_extract: scalar('json', ([a, path]) =>
    toJson(
      jsonPath(
        a ?? null,
        list(
          text(path)
            .replace(/^\$\.?/, '')
            .split(/[.[\]]+/)
            .filter(Boolean),
        ),
      ),
    ),
  ),
  json_unquote: scalar('text', ([a]) => (isObject(a ?? null) ? jsonAsText(json(a)) : text(a))),
};
