import type { Node, SelectStmt, WithClause } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression } from './expression.ts';
import { compileOrder, sortRows } from './order.ts';
import type { Dialect } from './parse.ts';
import type { Env, Query, Run, Scan, Tuple } from './plan.ts';
import { extrasOf, type Schema } from './schema.ts';
import type { Scope, Source } from './scope.ts';
import { compileSelect } from './select.ts';
import { names } from './types.ts';
import { keyText, type SqlType } from './values.ts';

/** What compiling a design's statements shares: the tables, and the scans that were compiled so far. */
export interface Compiler {
  readonly schema: Schema;
  readonly dialect: Dialect;
  /** All scans of the design; a state names a condition by its index here. */
  readonly scans: Scan[];
}

/** WITH queries by name: where a run keeps their rows, and their columns. */
export type CommonColumns = ReadonlyMap<string, { readonly key: string; readonly columns: Query['columns'] }>;

/** A scope over FROM items that are already there. */
export function scopeOver(sources: readonly Source[], compiler: Compiler, common: CommonColumns, outer?: Scope): Scope {
  const extras = extrasOf(compiler.schema);
  return {
    dialect: compiler.dialect,
    sources,
    outer,
    subquery: (tree, scope) => compileQuery(tree, compiler, common, scope),
    fresh: () => extras.next++,
    sequences: extras,
    uses: { reached: 0 },
  };
}

/** Compiles a SELECT, VALUES or set operation. */
export function compileQuery(tree: Node, compiler: Compiler, common: CommonColumns, outer?: Scope): Query {
  if (!('SelectStmt' in tree)) throw new NotAnalysed(`query ${Object.keys(tree)[0]}`);
  const { withClause, ...statement } = tree.SelectStmt;
  if (withClause) return compileWithin(withClause, statement, compiler, common, outer);
  if (statement.intoClause) throw new NotAnalysed('SELECT INTO');
  if (statement.op !== undefined && statement.op !== 'SETOP_NONE')
    return compileSetOperation(statement, compiler, common, outer);
  if (statement.valuesLists) return compileValues(statement, compiler, common, outer);
  return compileSelect(statement, compiler, common, outer);
}

/** WITH inside a sub-select: its queries run whenever the sub-select does. */
function compileWithin(
  clause: WithClause,
  statement: SelectStmt,
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  const known = new Map(common);
  const parts: { key: string; query: Query }[] = [];
  for (const node of clause.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', ctequery } = node.CommonTableExpr;
    if (!ctequery || !('SelectStmt' in ctequery)) {
      throw new SqlInputError('WITH clause containing a data-modifying statement must be at the top level');
    }
    const key = `${ctename}#${extrasOf(compiler.schema).next++}`;
    const query = compileCommonQuery(node.CommonTableExpr, key, clause.recursive ?? false, compiler, known, outer);
    known.set(ctename, { key, columns: query.columns });
    parts.push({ key, query });
  }
  const body = compileQuery({ SelectStmt: statement }, compiler, known, outer);
  return {
    columns: body.columns,
    rows: (env, run) => {
      for (const { key, query } of parts) run.common.set(key, query.rows(env, run));
      return body.rows(env, run);
    },
  };
}

/** Steps after which a recursive query is given up. */
const DEEPEST = 1000;

/** A query of WITH, which may be recursive, with its columns renamed. */
export function compileCommonQuery(
  given: { ctename?: string; ctequery?: Node; aliascolnames?: Node[] },
  key: string,
  recursive: boolean,
  compiler: Compiler,
  common: CommonColumns,
  outer?: Scope,
): Query {
  const { ctename = '', ctequery, aliascolnames } = given;
  const renamed = names(aliascolnames);
  const rename = (columns: Query['columns']) =>
    columns.map((column, i) => ({ ...column, name: renamed[i] ?? column.name }));
  const statement = ctequery && 'SelectStmt' in ctequery ? ctequery.SelectStmt : undefined;
  const itself = recursive && JSON.stringify(statement?.rarg ?? {}).includes(`"relname":${JSON.stringify(ctename)}`);
  if (!statement || !itself) {
    const query = compileQuery(ctequery as Node, compiler, common, outer);
    return { columns: rename(query.columns), rows: query.rows };
  }
  if (statement.op !== 'SETOP_UNION') throw new SqlInputError(`recursive query "${ctename}" must be a UNION`);
  const first = compileQuery({ SelectStmt: statement.larg ?? {} }, compiler, common, outer);
  const columns = rename(first.columns);
  const inner = new Map(common).set(ctename, { key, columns });
  const step = compileQuery({ SelectStmt: statement.rarg ?? {} }, compiler, inner, outer);
  return {
    columns,
    rows: (env, run) => {
      const seen = new Set<string>();
      const fresh = (rows: readonly Tuple[]) =>
        statement.all ? rows : rows.filter((row) => !seen.has(keyText(row.values)) && seen.add(keyText(row.values)));
      const all: Tuple[] = [];
      let working = fresh(first.rows(env, run));
      for (let depth = 0; working.length > 0; depth++) {
        if (depth > DEEPEST) throw new NotAnalysed(`WITH RECURSIVE that goes on for more than ${DEEPEST} steps`);
        all.push(...working);
        run.common.set(key, working);
        working = fresh(step.rows(env, run));
      }
      return all;
    },
  };
}

/** Without duplicates; the first of each stays. */
export function unique(tuples: readonly Tuple[]): Tuple[] {
  const seen = new Set<string>();
  return tuples.filter((tuple) => {
    const key = keyText(tuple.values);
    return !seen.has(key) && seen.add(key);
  });
}

/** Applies ORDER BY, LIMIT and OFFSET to rows that are already made. */
function compileTail(
  statement: SelectStmt,
  columns: Query['columns'],
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): (tuples: readonly Tuple[], env: Env | undefined, run: Run) => Tuple[] {
  const scope = scopeOver([{ alias: '', columns }], compiler, common, outer);
  const order = compileOrder(
    statement.sortClause,
    (node) => {
      if ('A_Const' in node) {
        const index = ((node.A_Const as { ival?: { ival?: number } }).ival?.ival ?? 1) - 1;
        if (!columns[index]) throw new SqlInputError(`ORDER BY position ${index + 1} is not in the select list`);
        return { type: columns[index].type, evaluate: (env) => env.tuples[0]?.values[index] ?? null };
      }
      return compileExpression(node, scope);
    },
    compiler.dialect === 'mysql' || compiler.dialect === 'sqlserver',
  );
  const limit = statement.limitCount && compileExpression(statement.limitCount, scope);
  const offset = statement.limitOffset && compileExpression(statement.limitOffset, scope);
  return (tuples, env, run) => {
    const envs: Env[] = tuples.map((tuple) => ({ tuples: [tuple], outer: env }));
    sortRows(envs, order, run);
    const at: Env = { tuples: [], outer: env };
    const skip = Number(offset?.evaluate(at, run) ?? 0);
    const count = limit?.evaluate(at, run) ?? null;
    return envs.slice(skip, count === null ? undefined : skip + Number(count)).map((item) => item.tuples[0] as Tuple);
  };
}

function compileValues(
  statement: SelectStmt,
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  const scope = scopeOver([], compiler, common, outer);
  const rows = (statement.valuesLists ?? []).map((node) =>
    ('List' in node ? (node.List.items ?? []) : []).map((item) => compileExpression(item, scope)),
  );
  const columns = (rows[0] ?? []).map((_, i) => ({
    name: `column${i + 1}`,
    type: rows.map((row) => row[i]?.type as SqlType).find((type) => type !== 'unknown') ?? ('unknown' as const),
  }));
  if (rows.some((row) => row.length !== columns.length))
    throw new SqlInputError('VALUES lists must all be the same length');
  const tail = compileTail(statement, columns, compiler, common, outer);
  return {
    columns,
    rows: (env, run) =>
      tail(
        rows.map((row) => ({ values: row.map((expression) => expression.evaluate({ tuples: [], outer: env }, run)) })),
        env,
        run,
      ),
  };
}

function compileSetOperation(
  statement: SelectStmt,
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  if (statement.lockingClause) {
    throw new SqlInputError('FOR UPDATE is not allowed with UNION, INTERSECT or EXCEPT (PostgreSQL error 0A000)');
  }
  const side = (part: SelectStmt | undefined) =>
    compileQuery({ SelectStmt: part ?? {} } as Node, compiler, common, outer);
  const [left, right] = [side(statement.larg), side(statement.rarg)];
  if (left.columns.length !== right.columns.length) {
    throw new SqlInputError('each query of a UNION, INTERSECT or EXCEPT must have the same number of columns');
  }
  const tail = compileTail(statement, left.columns, compiler, common, outer);
  return {
    columns: left.columns,
    rows: (env, run) => {
      const [a, b] = [left.rows(env, run), right.rows(env, run)];
      const combined =
        statement.op === 'SETOP_UNION'
          ? [...a, ...b]
          : matching(a, b, statement.op === 'SETOP_INTERSECT', statement.all ?? false);
      return tail(statement.all ? combined : unique(combined), env, run);
    },
  };
}

/** INTERSECT or EXCEPT; with ALL each row of the right side answers for one of the left. */
function matching(a: readonly Tuple[], b: readonly Tuple[], wanted: boolean, all: boolean): Tuple[] {
  const counts = new Map<string, number>();
  for (const tuple of b) counts.set(keyText(tuple.values), (counts.get(keyText(tuple.values)) ?? 0) + 1);
  return a.filter((tuple) => {
    const key = keyText(tuple.values);
    const left = counts.get(key) ?? 0;
    if (all && left > 0) counts.set(key, left - 1);
    return left > 0 === wanted;
  });
}
