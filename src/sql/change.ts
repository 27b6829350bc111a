import type { DeleteStmt, FuncCall, Node, UpdateStmt } from 'libpg-query';
import { compileAssignments, compileCommon, compileReturning, defaultsOf, refuseTwice, usesOf } from './common.ts';
import { NotAnalysed } from './errors.ts';
import { compileExpression, truth } from './expression.ts';
import { conjuncts, FromCompiler } from './from.ts';
import { compileOrder, sortRows } from './order.ts';
import type { Change, Env, Insert, Merge, Run } from './plan.ts';
import type { Compiler } from './query.ts';
import { tableOf } from './schema.ts';
import type { Scope } from './scope.ts';
import { names } from './types.ts';

/** Name of the condition by which the MySQL dialect hands over ORDER BY and LIMIT of a change. */
export const LIMITED = 'interleave_limit';

/** Compiles UPDATE and DELETE. */
export function compileChange(
  kind: 'update' | 'delete',
  statement: UpdateStmt & DeleteStmt,
  compiler: Compiler,
  compileNested: (tree: Node) => Insert | Change | Merge,
): Change {
  const firstScan = compiler.scans.length;
  const table = tableOf(compiler.schema, statement.relation?.relname);
  const { common, columns: commonColumns } = compileCommon(statement.withClause, compiler, compileNested);
  refuseTwice(table, common);
  const from = new FromCompiler(compiler, commonColumns, undefined);
  const join = from.list([
    { RangeVar: statement.relation ?? {} },
    ...(statement.fromClause ?? statement.usingClause ?? []),
  ]);
  if (statement.whereClause && 'CurrentOfExpr' in statement.whereClause) throw new NotAnalysed('WHERE CURRENT OF');
  const conditions = conjuncts(statement.whereClause);
  const limited = conditions.find(isLimit);
  const plain = conditions.filter((node) => node !== limited);
  const condition: Node | undefined = plain.length > 1 ? { BoolExpr: { boolop: 'AND_EXPR', args: plain } } : plain[0];
  from.finish(condition, limited !== undefined);
  const where = condition && compileExpression(condition, from.scope);
  const tests = [...(where ? [where] : []), ...from.joinTests];
  const matches: Change['matches'] = (env, run) => tests.every((test) => truth(test.evaluate(env, run)) === true);
  const limit = limited && isLimit(limited) ? compileLimit(limited.FuncCall, from.scope) : undefined;
  return {
    kind,
    table,
    common,
    scan: from.scanOf(0),
    candidates: (run) => {
      const found: Env[] = [];
      for (const tuples of join([], undefined, run)) {
        const env: Env = { tuples };
        if (tuples[0]?.id !== undefined && matches(env, run)) found.push(env);
      }
      return limit ? limit(found, run) : found;
    },
    matches,
    set: kind === 'update' ? compileAssignments(statement.targetList ?? [], table, from.scope) : [],
    defaults: defaultsOf(table, compiler),
    ...compileReturning(statement.returningClause?.exprs, from.sources, table, compiler, commonColumns),
    uses: usesOf(compiler, firstScan, table),
  };
}

const isLimit = (node: Node): node is { FuncCall: FuncCall } =>
  'FuncCall' in node && names(node.FuncCall.funcname).at(-1) === LIMITED;

/** The arguments are the number of rows, then expressions to sort by, each followed by whether it is descending. */
function compileLimit(call: FuncCall, scope: Scope): (found: Env[], run: Run) => Env[] {
  const [count, ...rest] = call.args ?? [];
  const limit = count && compileExpression(count, scope);
  const keys: Node[] = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const descending = JSON.stringify(rest[i + 1]).includes('true');
    keys.push({ SortBy: { node: rest[i] as Node, sortby_dir: descending ? 'SORTBY_DESC' : 'SORTBY_ASC' } } as Node);
  }
  const order = compileOrder(keys, (node) => compileExpression(node, scope), true);
  return (found, run) => {
    sortRows(found, order, run);
    const most = limit?.evaluate({ tuples: [] }, run) ?? null;
    return most === null ? found : found.slice(0, Number(most));
  };
}
