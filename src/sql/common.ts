import type { Node, WithClause } from 'libpg-query';
import { NotAnalysed } from './errors.ts';
import { compileExpression } from './expression.ts';
import type { Assignment, Change, Common, Expression, Insert, Merge, Returning, TableUse } from './plan.ts';
import { type CommonColumns, type Compiler, compileCommonQuery, scopeOver } from './query.ts';
import { counterName, extrasOf, position, type Table } from './schema.ts';
import type { Scope, Source } from './scope.ts';
import { compileTargets } from './select.ts';
import { compileSubquery, single } from './subquery.ts';
import { names } from './types.ts';

/** Parts that the statements which change rows have in common. */

/** Compiles a change inside WITH; given by the caller so that the modules do not need each other. */
type CompileChange = (tree: Node) => Insert | Change | Merge;

/** Compiles WITH queries in order; each sees the ones before it. */
export function compileCommon(
  clause: WithClause | undefined,
  compiler: Compiler,
  compileChange: CompileChange,
): { common: Common[]; columns: CommonColumns } {
  const common: Common[] = [];
  const columns = new Map<string, { key: string; columns: readonly { name: string; type: Expression['type'] }[] }>();
  for (const node of clause?.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', ctequery, aliascolnames } = node.CommonTableExpr;
    const tree = ctequery as Node;
    if ('SelectStmt' in tree) {
      const query = compileCommonQuery(node.CommonTableExpr, ctename, clause?.recursive ?? false, compiler, columns);
      columns.set(ctename, { key: ctename, columns: [...query.columns] });
      common.push({ name: ctename, plan: query });
      continue;
    }
    const plan = compileChange(tree);
    const renamed = names(aliascolnames);
    columns.set(ctename, {
      key: ctename,
      columns: (plan.returning?.columns ?? []).map((name, i) => ({
        name: renamed[i] ?? name,
        type: 'unknown' as const,
      })),
    });
    common.push({ name: ctename, plan });
  }
  return { common, columns };
}

/** @throws NotAnalysed when one statement changes a table twice; PostgreSQL leaves open what happens then. */
export function refuseTwice(table: Table, common: readonly Common[]): void {
  for (const { plan } of common) {
    if ('kind' in plan && plan.table === table && plan.kind !== 'insert') {
      throw new NotAnalysed('two changes of one table in one statement');
    }
  }
}

/** Tables that a statement names, from the scans that compiling it added. */
export function usesOf(compiler: Compiler, firstScan: number, target?: Table): TableUse {
  const uses = compiler.scans
    .slice(firstScan)
    .map((scan) => ({ table: scan.table, mode: scan.lock ? ('row share' as const) : ('access share' as const) }));
  return target ? [...uses, { table: target, mode: 'row exclusive' as const }] : uses;
}

/** Default of each column: its counter, its DEFAULT, or nothing. */
export function defaultsOf(table: Table, compiler: Compiler): (Expression | undefined)[] {
  const scope = scopeOver([], compiler, new Map());
  const extras = extrasOf(compiler.schema);
  return table.columns.map((column) => {
    if (column.counter) {
      const counter = counterName(table.name, column.name);
      return { type: 'int', evaluate: (_, run) => run.counter(extras.remember ? 'draw' : 'next', counter) };
    }
    return column.default && compileExpression(column.default, scope);
  });
}

/** Compiles RETURNING; `old` and `new` are the last two sources (PostgreSQL 18). */
export function compileReturning(
  list: readonly Node[] | undefined,
  sources: readonly Source[],
  table: Table,
  compiler: Compiler,
  common: CommonColumns,
  more: readonly Source[] = [],
): { returning?: Returning } {
  if (!list || list.length === 0) return {};
  const versions: Source[] = ['old', 'new'].map((alias) => ({ alias, columns: table.columns, qualified: true }));
  const targets = compileTargets(list, scopeOver([...sources, ...versions, ...more], compiler, common));
  return {
    returning: {
      columns: targets.map((target) => target.name),
      row: (env, run) => targets.map((target) => target.expression.evaluate(env, run)),
    },
  };
}

/** Compiles SET. */
export function compileAssignments(list: readonly Node[], table: Table, scope: Scope): Assignment[] {
  let several: ((column: number) => Expression) | undefined;
  return list.flatMap((node): Assignment[] => {
    if (!('ResTarget' in node) || !node.ResTarget.val) return [];
    const column = position(table, assignedColumn(node.ResTarget, scope));
    const value: Node = node.ResTarget.val;
    if (table.columns[column]?.generated && !('SetToDefault' in value))
      throw new NotAnalysed('SET of a generated column');
    if ('MultiAssignRef' in value) {
      const { source, colno = 1 } = value.MultiAssignRef;
      if (source && 'RowExpr' in source) {
        const part = source.RowExpr.args?.[colno - 1] as Node;
        return [{ column, value: 'SetToDefault' in part ? undefined : compileExpression(part, scope) }];
      }
      // Only the first column carries the sub-select; the others share it.
      if (source && 'SubLink' in source) several = columnsOf(source.SubLink.subselect as Node, scope);
      if (!several) throw new NotAnalysed('SET (...) = this expression');
      return [{ column, value: several(colno - 1) }];
    }
    if ('SetToDefault' in value) return [{ column, value: undefined }];
    return [{ column, value: compileExpression(value, scope) }];
  });
}

/** `SET t.a`, as MySQL allows, means the column a of t. */
function assignedColumn(target: { name?: string; indirection?: Node[] }, scope: Scope): string {
  const [field] = names(target.indirection);
  if (field === undefined) {
    if (target.indirection?.length) throw new NotAnalysed('SET of an array element');
    return target.name ?? '';
  }
  if (scope.sources[0]?.alias !== target.name) throw new NotAnalysed('SET of a field, or of a second table');
  return field;
}

/** (a, b) = (SELECT ...): the sub-select's only row, or NULLs. */
function columnsOf(tree: Node, scope: Scope): (column: number) => Expression {
  const { query, rows } = compileSubquery(tree, scope);
  return (column) => ({
    type: query.columns[column]?.type ?? 'unknown',
    evaluate: (env, run) => single(rows(env, run))?.values[column] ?? null,
  });
}
