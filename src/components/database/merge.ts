import { mergedRow } from '../../sql/merge.ts';
import type { Env, Merge, MergeAction, Tuple } from '../../sql/plan.ts';
import { same, type Value } from '../../sql/values.ts';
import { addRow, assign, storeChange, strengthOf } from './change.ts';
import { checkRow } from './constraints.ts';
import { lockSeen } from './scan.ts';
import type { Progress, Row } from './state.ts';
import type { StatementRun } from './statement.ts';

const GONE: Tuple = { values: [] };

/**
 * Runs a MERGE from where it stopped. A pair that changed since the snapshot is looked at again: where ON no longer
 * holds it counts as not matched (PostgreSQL manual, 13.2.1 and MERGE).
 */
export function mergeRows(run: StatementRun, plan: Merge, progress: Progress): void {
  const { work } = run;
  const table = work.tableIndex(plan.table);
  progress.work ??= plan.candidates(run).map((env) => env.tuples);
  const candidates = progress.work as readonly (readonly Tuple[])[];
  for (; progress.next < candidates.length; progress.next++) {
    const tuples = candidates[progress.next] as readonly Tuple[];
    const [target = GONE, ...source] = tuples;
    if (target.id !== undefined) {
      const row = work.row(table, target.id);
      if (row && changeMatched(run, plan, table, row, tuples, progress)) continue;
    }
    if (source.every((tuple) => tuple.values.length === 0)) continue;
    insertUnmatched(run, plan, table, { tuples: [GONE, ...source] }, progress);
  }
}

function choose(run: StatementRun, plan: Merge, matched: MergeAction['matched'], env: Env): MergeAction | undefined {
  return plan.actions.find(
    (action) => action.matched === matched && (!action.condition || action.condition.evaluate(env, run) === true),
  );
}

/** Returns false when the pair turned out not to match. */
function changeMatched(
  run: StatementRun,
  plan: Merge,
  table: number,
  row: Row,
  tuples: readonly Tuple[],
  progress: Progress,
): boolean {
  const { work } = run;
  const [target = GONE, ...source] = tuples;
  const lonely = source.every((tuple) => tuple.values.length === 0);
  const matched = lonely ? 'not matched by source' : 'matched';
  let env: Env = { tuples };
  let values = target.values;
  let chosen = choose(run, plan, matched, env);
  if (!chosen || chosen.action.kind === 'nothing') return true;
  if (run.before(table, row.id)) throw work.error('twice', 'MERGE command cannot affect row a second time');
  for (;;) {
    const { action } = chosen;
    const strength =
      action.kind === 'update'
        ? strengthOf(run, { set: action.set, defaults: plan.defaults, table: plan.table }, table, values, env)
        : 'update';
    const newest: readonly Value[] | undefined =
      work.policy.writes === 'current'
        ? (work.newest(row) ?? undefined)
        : lockSeen(run, table, work.row(table, row.id) ?? row, { strength, wait: 'wait' }, values);
    if (!newest) return false;
    if (newest === values || same({ list: newest }, { list: values })) break;
    values = newest;
    env = { tuples: [{ id: row.id, values }, ...source] };
    if (!lonely && !plan.matches(env, run)) return false;
    chosen = choose(run, plan, matched, env);
    if (!chosen || chosen.action.kind === 'nothing') return true;
    // The row is locked now; what it holds stays.
    if (chosen.action.kind !== 'update') work.lock(table, row, 'update');
    break;
  }
  const { action } = chosen;
  if (action.kind === 'update') {
    const after = checkRow(work, table, assign(run, plan, action.set, values, env));
    storeChange(run, table, row, values, after);
    returning(run, plan, progress, [{ id: row.id, values: after }, ...source, { values }, { values: after }], 'UPDATE');
  } else {
    storeChange(run, table, row, values, null);
    returning(run, plan, progress, [{ id: row.id, values }, ...source, { values }, GONE], 'DELETE');
  }
  progress.count++;
  return true;
}

function insertUnmatched(run: StatementRun, plan: Merge, table: number, env: Env, progress: Progress): void {
  const chosen = choose(run, plan, 'not matched by target', env);
  if (chosen?.action.kind !== 'insert') return;
  const values = checkRow(run.work, table, mergedRow(plan, chosen.action, env, run));
  const row = addRow(run, table, values);
  const after = { id: row.id, values };
  returning(run, plan, progress, [after, ...env.tuples.slice(1), GONE, { values }], 'INSERT');
  progress.count++;
}

function returning(run: StatementRun, plan: Merge, progress: Progress, tuples: readonly Tuple[], action: string): void {
  if (!plan.returning) return;
  progress.returned.push(plan.returning.row({ tuples: [...tuples, { values: [action] }] }, run));
}
