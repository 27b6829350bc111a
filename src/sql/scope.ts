import type { Node } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import type { Dialect } from './parse.ts';
import type { Env, Expression, Query, Run, Tuple } from './plan.ts';
import type { SqlType } from './values.ts';

/** A FROM item as expressions see it. */
export interface Source {
  readonly alias: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** Only seen with its name in front: `excluded`, `old`, `new`. */
  readonly qualified?: true;
}

/** A window function of a select list. */
export interface Window {
  /** Values for all rows, in the order of the rows. */
  readonly values: (rows: readonly Env[], run: Run) => readonly Tuple['values'][number][];
}

/** What names mean at one place of a statement. */
export interface Scope {
  readonly dialect: Dialect;
  readonly sources: readonly Source[];
  readonly outer?: Scope | undefined;
  /** Compiles a sub-select whose enclosing query is `scope`. */
  readonly subquery: (tree: Node, scope: Scope) => Query;
  /** A number that no other sub-select has. */
  readonly fresh: () => number;
  /** Counters of the design's sequences. */
  readonly sequences: Sequences;
  /** Expressions that an alias of the select list stands for (GROUP BY, ORDER BY). */
  readonly aliases?: ReadonlyMap<string, Expression>;
  /** Where window functions are collected; absent where none may stand. */
  readonly windows?: Window[];
  /** Named windows of the WINDOW clause. */
  readonly namedWindows?: ReadonlyMap<string, Node>;
  /** How often a sub-select took a column from here or from further out. */
  readonly uses: { reached: number };
}

/** How counters are numbered, and whether sessions remember what they drew. */
export interface Sequences {
  remember: boolean;
  readonly starts: Map<string, { readonly start: number; readonly increment: number }>;
}

/** Shorthand for a compiled expression. */
export const of = (type: SqlType, evaluate: Expression['evaluate']): Expression => ({ evaluate, type });

const SYSTEM_COLUMNS = ['xmin', 'xmax', 'cmin', 'cmax', 'ctid', 'tableoid'];

/** Finds a column, in this query or an enclosing one. @throws SqlInputError that names the columns there are. */
export function column(path: readonly string[], scope: Scope): Expression {
  const name = path.at(-1) ?? '';
  const qualifier = path.length > 1 ? path.at(-2) : undefined;
  let depth = 0;
  for (let at: Scope | undefined = scope; at; at = at.outer, depth++) {
    if (depth > 0) at.uses.reached++;
    const hits = at.sources.flatMap((source, index) => {
      if (qualifier === undefined ? source.qualified : source.alias !== qualifier) return [];
      const position = source.columns.findIndex((candidate) => candidate.name === name);
      return position < 0 ? [] : [{ index, position, type: source.columns[position]?.type ?? 'unknown' }];
    });
    if (hits.length > 1) throw new SqlInputError(`column "${path.join('.')}" is ambiguous; qualify it with its table`);
    const hit = hits[0];
    if (hit) return reference(hit, depth);
    const alias = qualifier === undefined ? at.aliases?.get(name) : undefined;
    if (alias) return alias;
  }
  if (SYSTEM_COLUMNS.includes(name)) throw new NotAnalysed(`system column ${name}`);
  const known = scope.sources.flatMap((source) =>
    source.columns.map((candidate) => (source.alias === '' ? candidate.name : `${source.alias}.${candidate.name}`)),
  );
  throw new SqlInputError(`there is no column "${path.join('.')}"; there are: ${known.join(', ') || 'none'}`);
}

function reference({ index, position, type }: { index: number; position: number; type: SqlType }, depth: number) {
  if (depth === 0) return of(type, (env) => env.tuples[index]?.values[position] ?? null);
  return of(type, (env) => {
    let from: Env | undefined = env;
    for (let i = 0; i < depth; i++) from = from?.outer;
    return from?.tuples[index]?.values[position] ?? null;
  });
}
