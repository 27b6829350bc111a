import type { MergeStmt, Node } from 'libpg-query';
import { compileAssignments, compileCommon, compileReturning, defaultsOf, refuseTwice, usesOf } from './common.ts';
import { NotAnalysed } from './errors.ts';
import { compileExpression, truth } from './expression.ts';
import { conjuncts, FromCompiler } from './from.ts';
import { newRow } from './insert.ts';
import type { Change, Env, Insert, Merge, MergeAction, Run, Tuple } from './plan.ts';
import type { Compiler } from './query.ts';
import { position, type Table, tableOf } from './schema.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';

/** Compiles MERGE (PostgreSQL manual, MERGE; WHEN NOT MATCHED BY SOURCE and RETURNING since 17). */
export function compileMerge(
  statement: MergeStmt,
  compiler: Compiler,
  compileNested: (tree: Node) => Insert | Change | Merge,
): Merge {
  const firstScan = compiler.scans.length;
  const table = tableOf(compiler.schema, statement.relation?.relname);
  const { common, columns: commonColumns } = compileCommon(statement.withClause, compiler, compileNested);
  refuseTwice(table, common);
  const from = new FromCompiler(compiler, commonColumns, undefined);
  // The target is read whole for each source row; the conditions that name only it bound what is read.
  const target = from.item({ RangeVar: statement.relation ?? {} }, true, conjuncts(statement.joinCondition));
  const source = from.item(statement.sourceRelation as Node, false, []);
  from.finish(undefined);
  const on = compileExpression(statement.joinCondition as Node, from.scope);
  const matches: Merge['matches'] = (env, run) => truth(on.evaluate(env, run)) === true;
  const actions = (statement.mergeWhenClauses ?? []).flatMap((node) =>
    'MergeWhenClause' in node ? [compileAction(node.MergeWhenClause, table, from.scope)] : [],
  );
  const bySource = actions.some((action) => action.matched === 'not matched by source');
  const width = from.sources.length - 1;
  return {
    kind: 'merge',
    table,
    common,
    scan: from.scanOf(0),
    candidates: (run) => pairs(run, target, source, matches, width, bySource),
    matches,
    actions,
    defaults: defaultsOf(table, compiler),
    ...compileReturning(statement.returningClause?.exprs, from.sources, table, compiler, commonColumns, [
      { alias: '(merge)', columns: [{ name: 'action', type: 'text' }], qualified: true },
    ]),
    uses: usesOf(compiler, firstScan, table),
  };
}

type Items = (prefix: readonly Tuple[], outer: Env | undefined, run: Run) => readonly (readonly Tuple[])[];

const EMPTY: Tuple = { values: [] };

function pairs(
  run: Run,
  target: Items,
  source: Items,
  matches: Merge['matches'],
  width: number,
  bySource: boolean,
): Env[] {
  const sources = source([EMPTY], undefined, run).map((tuples) => tuples.slice(1));
  const targets = target([], undefined, run).map((tuples) => tuples[0] as Tuple);
  const met = new Set<number | undefined>();
  const found = sources.flatMap((own): Env[] => {
    const hits = targets.flatMap((tuple): Env[] => {
      const env: Env = { tuples: [tuple, ...own] };
      return matches(env, run) ? [env] : [];
    });
    for (const env of hits) met.add(env.tuples[0]?.id);
    return hits.length > 0 ? hits : [{ tuples: [EMPTY, ...own] }];
  });
  if (!bySource) return found;
  const nothing = Array.from({ length: width }, () => EMPTY);
  return [...found, ...targets.flatMap((tuple): Env[] => (met.has(tuple.id) ? [] : [{ tuples: [tuple, ...nothing] }]))];
}

function compileAction(
  clause: {
    matchKind?: string;
    commandType?: string;
    condition?: Node;
    targetList?: Node[];
    values?: Node[];
    override?: string;
  },
  table: Table,
  scope: Scope,
): MergeAction {
  const matched = (
    {
      MERGE_WHEN_MATCHED: 'matched',
      MERGE_WHEN_NOT_MATCHED_BY_SOURCE: 'not matched by source',
      MERGE_WHEN_NOT_MATCHED_BY_TARGET: 'not matched by target',
    } as const
  )[clause.matchKind as 'MERGE_WHEN_MATCHED'];
  const condition = clause.condition && compileExpression(clause.condition, scope);
  const action = ((): MergeAction['action'] => {
    switch (clause.commandType) {
      case 'CMD_NOTHING':
        return { kind: 'nothing' };
      case 'CMD_DELETE':
        return { kind: 'delete' };
      case 'CMD_UPDATE':
        return { kind: 'update', set: compileAssignments(clause.targetList ?? [], table, scope) };
      case 'CMD_INSERT': {
        const given = (clause.targetList ?? []).flatMap((node) =>
          'ResTarget' in node ? [position(table, node.ResTarget.name ?? '')] : [],
        );
        return {
          kind: 'insert',
          columns: given.length > 0 ? given : table.columns.map((_, i) => i),
          values: (clause.values ?? []).map((node) =>
            'SetToDefault' in node ? undefined : compileExpression(node, scope),
          ),
        };
      }
    }
    throw new NotAnalysed(`MERGE action ${clause.commandType}`);
  })();
  return { matched, action, ...(condition && { condition }) };
}

/** The row that WHEN NOT MATCHED THEN INSERT gives. */
export function mergedRow(
  plan: Merge,
  action: Extract<MergeAction['action'], { kind: 'insert' }>,
  env: Env,
  run: Run,
): Value[] {
  const given = action.values.map((expression) => expression?.evaluate(env, run));
  return newRow({ table: plan.table, columns: action.columns, defaults: plan.defaults }, given, run);
}
