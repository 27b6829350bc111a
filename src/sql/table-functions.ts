import type { RangeFunction } from 'libpg-query';
import { arithmetic } from './arithmetic.ts';
import { DatabaseError, NotAnalysed } from './errors.ts';
import { compileExpression } from './expression.ts';
import { jsonAsText, listItems, toJson } from './json.ts';
import type { Env, Run, Tuple } from './plan.ts';
import type { Scope, Source } from './scope.ts';
import { names, typeOfName } from './types.ts';
import { cast, compare, isObject, jsonOf, type SqlType, type Value } from './values.ts';

/** Longest series that is generated. */
const LONGEST = 10_000;

type Rows = (given: readonly Value[]) => readonly (readonly Value[])[];

const jsonItems = (value: Value | undefined): unknown[] => {
  const json = jsonOf(cast(value ?? null, 'json'));
  if (!Array.isArray(json)) throw new DatabaseError('22023', 'cannot extract elements from an object or a scalar');
  return json;
};
const jsonEntries = (value: Value | undefined) => Object.entries((jsonOf(cast(value ?? null, 'json')) ?? {}) as object);

const FUNCTIONS: Readonly<Record<string, { readonly columns: readonly string[]; readonly rows: Rows }>> = {
  unnest: { columns: [], rows: (given) => listItems(given[0]).map((item) => [item]) },
  generate_series: { columns: [], rows: (given) => series(given).map((value) => [value]) },
  generate_subscripts: { columns: [], rows: (given) => listItems(given[0]).map((_, i) => [i + 1]) },
  regexp_split_to_table: {
    columns: [],
    rows: ([text, by]) =>
      String(text)
        .split(new RegExp(String(by)))
        .map((part) => [part]),
  },
  jsonb_array_elements: { columns: ['value'], rows: ([value]) => jsonItems(value).map((item) => [toJson(item)]) },
  json_array_elements: { columns: ['value'], rows: ([value]) => jsonItems(value).map((item) => [toJson(item)]) },
  jsonb_array_elements_text: {
    columns: ['value'],
    rows: ([value]) => jsonItems(value).map((item) => [jsonAsText(item)]),
  },
  json_array_elements_text: {
    columns: ['value'],
    rows: ([value]) => jsonItems(value).map((item) => [jsonAsText(item)]),
  },
  jsonb_each: {
    columns: ['key', 'value'],
    rows: ([value]) => jsonEntries(value).map(([key, part]) => [key, toJson(part)]),
  },
  jsonb_each_text: {
    columns: ['key', 'value'],
    rows: ([value]) => jsonEntries(value).map(([key, part]) => [key, jsonAsText(part)]),
  },
  jsonb_object_keys: { columns: [], rows: ([value]) => jsonEntries(value).map(([key]) => [key]) },
};

function series(given: readonly Value[]): readonly Value[] {
  const [from = null, to = null] = given;
  if (from === null || to === null || given[2] === null) return [];
  const timed = isObject(from) || isObject(to);
  const step = given[2] ?? (timed ? null : 1);
  if (step === null) throw new NotAnalysed('generate_series over times without a step');
  const start = timed ? cast(from, 'timestamp') : from;
  const stop = timed ? cast(to, 'timestamp') : to;
  const stride = timed ? cast(step, 'interval') : step;
  const direction = Math.sign(compare(stride, timed ? { interval: [0, 0, 0] } : 0));
  if (direction === 0) throw new DatabaseError('22023', 'step size cannot equal zero');
  const found: Value[] = [];
  for (let at = start; direction * compare(at, stop) <= 0; at = arithmetic('+', at, stride, true)) {
    if (found.length >= LONGEST) throw new NotAnalysed(`a series of more than ${LONGEST} values`);
    found.push(at);
  }
  return found;
}

/** Compiles a function in FROM. @throws NotAnalysed */
export function compileTableFunction(
  range: RangeFunction,
  scope: Scope,
): { readonly source: Source; readonly rows: (env: Env, run: Run) => readonly Tuple[] } {
  if ((range.functions?.length ?? 0) > 1) throw new NotAnalysed('ROWS FROM');
  const first = range.functions?.[0];
  const item = first && 'List' in first ? first.List.items?.[0] : first;
  if (!item || !('FuncCall' in item)) throw new NotAnalysed('table function');
  const name = names(item.FuncCall.funcname).at(-1) ?? '';
  const entry = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!entry) throw new NotAnalysed(`table function ${name}()`);
  const args = (item.FuncCall.args ?? []).map((arg) => compileExpression(arg, scope));
  if (name === 'unnest' && args.length > 1) throw new NotAnalysed('unnest of several arrays');
  const alias = range.alias?.aliasname ?? name;
  const renamed = names(range.alias?.colnames);
  const typed = (range.coldeflist ?? []).flatMap((node) =>
    'ColumnDef' in node ? [typeOfName(node.ColumnDef.typeName)] : [],
  );
  const type: SqlType =
    name === 'generate_series' ? (args[0]?.type === 'int' ? 'int' : 'timestamp') : (typed[0] ?? 'unknown');
  const own = entry.columns.length > 0 ? entry.columns : [alias];
  const all = range.ordinality ? [...own, 'ordinality'] : own;
  return {
    source: {
      alias,
      columns: all.map((column, i) => ({ name: renamed[i] ?? column, type: i >= own.length ? 'int' : type })),
    },
    rows: (env, run) =>
      entry
        .rows(args.map((arg) => arg.evaluate(env, run)))
        .map((values, i) => ({ values: range.ordinality ? [...values, i + 1] : values })),
  };
}
