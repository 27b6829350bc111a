import type { Node, SelectStmt } from 'libpg-query';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression, hasAggregate, truth } from './expression.ts';
import { FromCompiler } from './from.ts';
import { fold, foldsCase } from './operators.ts';
import { compileOrder, sortRows } from './order.ts';
import type { Env, Expression, Query, RowLock, Run, Scan, Tuple } from './plan.ts';
import { type CommonColumns, type Compiler, unique } from './query.ts';
import type { Scope, Window } from './scope.ts';
import { names } from './types.ts';
import { keyText, type Value } from './values.ts';

/** Compiles a SELECT that is neither VALUES nor a set operation (PostgreSQL manual, SELECT). */
export function compileSelect(
  statement: SelectStmt,
  compiler: Compiler,
  common: CommonColumns,
  outer: Scope | undefined,
): Query {
  const from = new FromCompiler(compiler, common, outer);
  const join = from.list(statement.fromClause ?? []);
  for (const node of statement.lockingClause ?? []) if ('LockingClause' in node) from.lock(node.LockingClause);
  const { locked } = from.finish(
    statement.whereClause,
    statement.limitCount !== undefined && statement.lockingClause !== undefined,
  );
  const where = statement.whereClause && compileExpression(statement.whereClause, from.scope);
  const windows: Window[] = [];
  const namedWindows = new Map(
    (statement.windowClause ?? []).flatMap((node) =>
      'WindowDef' in node ? [[node.WindowDef.name ?? '', node] as const] : [],
    ),
  );
  const output = compileTargets(statement.targetList ?? [], { ...from.scope, windows, namedWindows });
  const aliases = new Map(output.map((target) => [target.name, target.expression]));
  const scope: Scope = { ...from.scope, aliases, windows, namedWindows };
  const reference = referenceIn(output, scope);
  const keys = (statement.groupClause ?? []).map(reference);
  const having = statement.havingClause && compileExpression(statement.havingClause, scope);
  // In ORDER BY the name of an output column comes before that of an input column.
  const order = compileOrder(
    statement.sortClause,
    (node) => ('ColumnRef' in node ? outputNamed(node, aliases) : undefined) ?? reference(node),
    compiler.dialect === 'mysql' || compiler.dialect === 'sqlserver',
  );
  const grouped =
    keys.length > 0 ||
    having !== undefined ||
    (statement.targetList ?? []).some(hasAggregate) ||
    (statement.sortClause ?? []).some(hasAggregate);
  const limit = statement.limitCount && compileExpression(statement.limitCount, from.scope);
  const offset = statement.limitOffset && compileExpression(statement.limitOffset, from.scope);
  if (statement.limitOption === 'LIMIT_OPTION_WITH_TIES') throw new NotAnalysed('FETCH FIRST ... WITH TIES');
  const distinctOn = (statement.distinctClause ?? []).flatMap((node) =>
    Object.keys(node).length > 0 ? [reference(node)] : [],
  );
  const distinct = statement.distinctClause !== undefined && distinctOn.length === 0;
  if (
    locked.length > 0 &&
    compiler.dialect === 'postgresql' &&
    (grouped || distinct || distinctOn.length > 0 || windows.length > 0)
  ) {
    throw new SqlInputError(
      'FOR UPDATE is not allowed with aggregate or window functions, GROUP BY or DISTINCT (PostgreSQL error 0A000): lock the rows in a statement of their own',
    );
  }
  const lockRow = rowLocker(locked, [...(where ? [where] : []), ...from.joinTests]);
  const folded = foldsCase(compiler.dialect);

  const rows = (outerEnv: Env | undefined, run: Run): Tuple[] => {
    const bound = (expression: Expression | undefined) => {
      const value = expression?.evaluate({ tuples: [], outer: outerEnv }, run) ?? null;
      return value === null ? undefined : Number(value);
    };
    let envs: Env[] = [];
    for (const tuples of join([], outerEnv, run)) {
      const env: Env = { tuples, outer: outerEnv };
      if (!where || truth(where.evaluate(env, run)) === true) envs.push(env);
    }
    const [skip, count] = [bound(offset) ?? 0, bound(limit)];
    if (grouped) {
      if (locked.length > 0) envs = envs.flatMap((env) => lockRow(env, run) ?? []);
      envs = group(envs, keys, outerEnv, run, folded);
      if (having) envs = envs.filter((env) => truth(having.evaluate(env, run)) === true);
    }
    if (windows.length > 0) {
      const found = windows.map((window) => window.values(envs, run));
      envs = envs.map((env, i) => ({ ...env, windows: found.map((values) => values[i] ?? null) }));
    }
    sortRows(envs, order, run);
    if (distinctOn.length > 0) {
      const seen = new Set<string>();
      envs = envs.filter((env) => {
        const key = keyText(distinctOn.map((expression) => expression.evaluate(env, run)));
        return !seen.has(key) && seen.add(key);
      });
    }
    if (locked.length > 0 && !grouped) {
      const kept: Env[] = [];
      for (const env of envs) {
        if (count !== undefined && kept.length >= skip + count) break;
        const got = lockRow(env, run);
        if (got) kept.push(got);
      }
      envs = kept;
    }
    // What LIMIT leaves out is not computed.
    if (!distinct) envs = envs.slice(skip, count === undefined ? undefined : skip + count);
    const tuples = envs.map((env) => ({ values: output.map((target) => target.expression.evaluate(env, run)) }));
    return distinct ? unique(tuples).slice(skip, count === undefined ? undefined : skip + count) : tuples;
  };
  return { columns: output.map(({ name, expression }) => ({ name, type: expression.type })), rows };
}

function outputNamed(node: Node, aliases: ReadonlyMap<string, Expression>): Expression | undefined {
  const path = 'ColumnRef' in node ? names(node.ColumnRef.fields) : [];
  return path.length === 1 ? aliases.get(path[0] ?? '') : undefined;
}

/** What GROUP BY, ORDER BY and DISTINCT ON may name: a position, or an expression over inputs and outputs. */
function referenceIn(output: readonly Target[], scope: Scope): (node: Node) => Expression {
  return (node) => {
    if ('A_Const' in node && 'ival' in node.A_Const) {
      const target = output[((node.A_Const as { ival?: { ival?: number } }).ival?.ival ?? 0) - 1];
      if (!target) throw new SqlInputError('GROUP BY or ORDER BY position is not in the select list');
      return target.expression;
    }
    return compileExpression(node, scope);
  };
}

function rowLocker(
  locked: readonly { readonly index: number; readonly scan: Scan; readonly lock: RowLock }[],
  tests: readonly Expression[],
): (env: Env, run: Run) => Env | undefined {
  return (env, run) => {
    let current = env;
    for (const { index, scan, lock } of locked) {
      const tuple = current.tuples[index];
      if (!tuple || tuple.id === undefined) continue;
      const replaced = (newest: Tuple): Env => ({
        ...current,
        tuples: current.tuples.map((old, i) => (i === index ? newest : old)),
      });
      const matches = (newest: Tuple) => tests.every((test) => truth(test.evaluate(replaced(newest), run)) === true);
      const got = run.lock(scan, tuple, lock, matches);
      if (!got) return undefined;
      if (got !== tuple) current = replaced(got);
    }
    return current;
  };
}

function group(
  envs: readonly Env[],
  keys: readonly Expression[],
  outer: Env | undefined,
  run: Run,
  folded: boolean,
): Env[] {
  if (keys.length === 0) return [{ tuples: envs[0]?.tuples ?? [], outer, group: envs }];
  const groups = new Map<string, Env[]>();
  for (const env of envs) {
    const values = keys.map((expression): Value => {
      const value = expression.evaluate(env, run);
      return folded ? fold(value) : value;
    });
    const key = keyText(values);
    const members = groups.get(key);
    if (members) members.push(env);
    else groups.set(key, [env]);
  }
  return [...groups.values()].map((members) => ({ tuples: members[0]?.tuples ?? [], outer, group: members }));
}

/** An item of a select list. */
export interface Target {
  readonly name: string;
  readonly expression: Expression;
}

/** Compiles a select list or RETURNING list, with `*` written out. */
export function compileTargets(list: readonly Node[], scope: Scope): Target[] {
  return list.flatMap((node) => {
    if (!('ResTarget' in node) || !node.ResTarget.val) return [];
    const { name, val } = node.ResTarget;
    const fields = 'ColumnRef' in val ? (val.ColumnRef.fields ?? []) : [];
    const last = fields.at(-1);
    if (last && 'A_Star' in last) return star(fields.length > 1 ? names(fields).at(-2) : undefined, scope);
    return [{ name: name ?? outputName(val), expression: compileExpression(val, scope) }];
  });
}

function star(only: string | undefined, scope: Scope): Target[] {
  const found = scope.sources.flatMap((source, index) => {
    if (only === undefined ? source.qualified : source.alias !== only) return [];
    return source.columns.flatMap((column, position): Target[] =>
      column.name.endsWith(' (right)')
        ? []
        : [
            {
              name: column.name,
              expression: { type: column.type, evaluate: (env: Env) => env.tuples[index]?.values[position] ?? null },
            },
          ],
    );
  });
  if (found.length === 0)
    throw new SqlInputError(only === undefined ? 'SELECT * without FROM' : `there is no table "${only}" in FROM`);
  return found;
}

function outputName(node: Node): string {
  if ('ColumnRef' in node) return names(node.ColumnRef.fields).at(-1) ?? '?column?';
  if ('FuncCall' in node) return names(node.FuncCall.funcname).at(-1) ?? '?column?';
  if ('TypeCast' in node && node.TypeCast.arg) return outputName(node.TypeCast.arg);
  if ('CoalesceExpr' in node) return 'coalesce';
  if ('CaseExpr' in node) return 'case';
  if ('SubLink' in node && node.SubLink.subLinkType === 'EXISTS_SUBLINK') return 'exists';
  return '?column?';
}
