import { newRow } from '../../sql/insert.ts';
import type { Assignment, Change, Env, Insert, Merge, Tuple } from '../../sql/plan.ts';
import { cast, same, type Value } from '../../sql/values.ts';
import { type Conflict, checkRow, conflictingRow } from './constraints.ts';
import { fireEvents, noteChange } from './integrity.ts';
import { awaitRanges, lockSeen } from './scan.ts';
import { recordWrite } from './serializable.ts';
import type { Image, Progress, Row } from './state.ts';
import type { StatementRun } from './statement.ts';

/** A statement, or a part of one, that changes rows. */
export type Changing = Insert | Change | Merge;

/** Runs an INSERT, UPDATE or DELETE from where it stopped. */
export function changeRows(run: StatementRun, plan: Insert | Change, progress: Progress): void {
  if (plan.kind === 'insert') insertRows(run, plan, progress);
  else updateRows(run, plan, progress);
}

function insertRows(run: StatementRun, plan: Insert, progress: Progress): void {
  const { work } = run;
  const table = work.tableIndex(plan.table);
  progress.work ??= plan.source(run).map((given) => newRow(plan, given, run));
  const rows = progress.work as readonly (readonly Value[])[];
  for (; progress.next < rows.length; progress.next++) {
    const values = checkRow(work, table, rows[progress.next] as readonly Value[]);
    insertOne(run, plan, table, values, progress);
  }
}

function insertOne(run: StatementRun, plan: Insert, table: number, values: readonly Value[], progress: Progress): void {
  const { work } = run;
  const { conflict } = plan;
  if (conflict?.replace) {
    replaceRows(run, table, values, progress);
  } else if (conflict) {
    const existing = conflictingRow(work, table, values, undefined, {
      keys: conflict.keys,
      exclusions: conflict.any && !conflict.update,
    });
    if (existing) {
      onConflict(run, plan, table, existing.row, values, progress);
      return;
    }
  }
  const row = addRow(run, table, values);
  progress.count++;
  if (plan.returning)
    progress.returned.push(plan.returning.row({ tuples: [{ id: row.id, values }, GONE, { values }] }, run));
}

/** MySQL's REPLACE deletes every row that is in the way (MySQL manual, 15.2.12). */
function replaceRows(run: StatementRun, table: number, values: readonly Value[], progress: Progress): void {
  const { work } = run;
  for (let existing = conflictingRow(work, table, values, undefined); existing; ) {
    const old = work.newest(existing.row) as readonly Value[];
    work.lock(table, existing.row, 'update');
    storeChange(run, table, existing.row, old, null);
    progress.count++;
    existing = conflictingRow(work, table, values, undefined);
  }
}

/** Stores a new row after the checks of unique keys; foreign keys are checked at the end of the statement. */
export function addRow(run: StatementRun, table: number, values: readonly Value[]): Row {
  const { work } = run;
  awaitRanges(run, table, values);
  const existing = conflictingRow(work, table, values, undefined);
  if (existing) throw duplicate(run, table, existing);
  const row = work.insert(table, values);
  run.remember(table, row.id, null);
  run.touched.inserted.add(`${work.context.tables[table]?.name}:${row.id}`);
  recordWrite(work, table, null, values);
  noteChange(run, table, row.id, null, values);
  return row;
}

/** A unique check read the key; a row that the snapshot does not show is a serialization failure at SERIALIZABLE. */
function duplicate(run: StatementRun, table: number, existing: Conflict) {
  const { work } = run;
  const invisible = work.seen(existing.row, run.memory.snapshot) === null;
  if (invisible && work.policy.validation !== 'none') {
    return work.error('serialization', 'could not serialize access due to read/write dependencies among transactions');
  }
  if (existing.key === undefined) return work.error('exclusion', 'conflicting key value violates exclusion constraint');
  const name = work.context.rules[table]?.keys[existing.key]?.name;
  return work.error('unique', `duplicate key value violates unique constraint "${name}"`);
}

/** PostgreSQL manual, 13.2.1: acts on the row that is there, even when the snapshot does not show it. */
function onConflict(
  run: StatementRun,
  plan: Insert,
  table: number,
  row: Row,
  excluded: readonly Value[],
  progress: Progress,
): void {
  const { work } = run;
  const own = row.draft?.by === work.session;
  if (work.policy.writes === 'abort' && !own && (row.versions.at(-1)?.at ?? -1) > run.memory.snapshot) {
    throw work.error('serialization', 'could not serialize access due to concurrent update');
  }
  const update = plan.conflict?.update;
  if (!update) {
    if (work.policy.writes === 'current') work.lock(table, row, 'share');
    return;
  }
  if (own && run.before(table, row.id) && work.context.dialect !== 'mysql') {
    throw work.error('twice', 'ON CONFLICT DO UPDATE command cannot affect row a second time');
  }
  work.lock(table, row, strengthOfSet(run, table, update.set));
  const current = work.newest(row) as readonly Value[];
  const env: Env = {
    tuples: [{ id: row.id, values: current }],
    outer: { tuples: [{ values: [] }, { values: excluded }] },
  };
  if (update.where && update.where.evaluate(env, run) !== true) return;
  const values = checkRow(work, table, assign(run, plan, update.set, current, env));
  storeChange(run, table, row, current, values);
  progress.count++;
  if (plan.returning) {
    progress.returned.push(
      plan.returning.row({ tuples: [{ id: row.id, values }, { values: current }, { values }] }, run),
    );
  }
}

const GONE: Tuple = { values: [] };

function updateRows(run: StatementRun, plan: Change, progress: Progress): void {
  const { work } = run;
  const table = work.tableIndex(plan.table);
  progress.work ??= plan.candidates(run).map((env) => env.tuples);
  const candidates = progress.work as readonly (readonly Tuple[])[];
  for (; progress.next < candidates.length; progress.next++) {
    const tuples = candidates[progress.next] as readonly Tuple[];
    const target = tuples[0] as Tuple;
    const row = work.row(table, target.id as number);
    // Gone, or changed before by this statement: the first partner of a join counts.
    if (!row || run.before(table, row.id)) continue;
    const found = current(run, plan, table, row, tuples);
    if (!found) continue;
    const { newest, env } = found;
    const others = tuples.slice(1);
    if (plan.kind === 'delete') {
      storeChange(run, table, row, newest, null);
      if (plan.returning)
        progress.returned.push(plan.returning.row({ tuples: [...env.tuples, { values: newest }, GONE] }, run));
    } else {
      const values = checkRow(work, table, assign(run, plan, plan.set, newest, env));
      storeChange(run, table, row, newest, values);
      if (plan.returning) {
        const after: Env = { tuples: [{ id: row.id, values }, ...others, { values: newest }, { values }] };
        progress.returned.push(plan.returning.row(after, run));
      }
    }
    progress.count++;
  }
}

/** The version of a target to change, locked; undefined when it is gone or no longer matches. */
function current(
  run: StatementRun,
  plan: Change,
  table: number,
  row: Row,
  tuples: readonly Tuple[],
): { newest: readonly Value[]; env: Env } | undefined {
  const { work } = run;
  const target = tuples[0] as Tuple;
  if (work.policy.writes === 'current') {
    if (plan.scan.limited) work.lock(table, row, 'update');
    const newest = work.newest(row);
    if (!newest) return undefined;
    const env: Env = { tuples: [{ id: row.id, values: newest }, ...tuples.slice(1)] };
    const kept = newest === target.values || same({ list: newest }, { list: target.values });
    return kept || plan.matches(env, run) ? { newest, env } : undefined;
  }
  // PostgreSQL computes and checks the new row from the version it sees, before it waits for anybody.
  const strength = plan.kind === 'delete' ? 'update' : strengthOf(run, plan, table, target.values, { tuples });
  const newest = lockSeen(run, table, row, { strength, wait: 'wait' }, target.values);
  if (!newest) return undefined;
  if (newest === target.values) return { newest, env: { tuples } };
  const env: Env = { tuples: [{ id: row.id, values: newest }, ...tuples.slice(1)] };
  if (same({ list: newest }, { list: target.values })) return { newest, env };
  if (!plan.matches(env, run)) return undefined;
  if (plan.kind === 'update') {
    const again = strengthOf(run, plan, table, newest, env);
    if (again !== strength) work.lock(table, row, again);
  }
  return { newest, env };
}

/** A change of the key needs the strongest row lock (PostgreSQL manual, 13.3.2). */
export function strengthOf(
  run: StatementRun,
  plan: { readonly set: readonly Assignment[]; readonly defaults: Change['defaults']; readonly table: Change['table'] },
  table: number,
  before: readonly Value[],
  env: Env,
): 'update' | 'no key update' {
  const { work } = run;
  const values = checkRow(work, table, assign(run, plan, plan.set, before, env));
  const columns = work.context.rules[table]?.keyColumns ?? [];
  return columns.some((column) => !same(values[column] ?? null, before[column] ?? null)) ? 'update' : 'no key update';
}

function strengthOfSet(run: StatementRun, table: number, set: readonly Assignment[]): 'update' | 'no key update' {
  const columns = run.work.context.rules[table]?.keyColumns ?? [];
  return set.some(({ column }) => columns.includes(column)) ? 'update' : 'no key update';
}

/** The row after SET. */
export function assign(
  run: StatementRun,
  plan: { readonly defaults: Change['defaults']; readonly table: Change['table'] },
  set: readonly Assignment[],
  before: readonly Value[],
  env: Env,
): Value[] {
  const values = [...before];
  // MySQL evaluates assignments from left to right, each seeing the ones before it (MySQL manual, 15.2.17).
  const stepwise = run.work.context.dialect === 'mysql';
  for (const { column, value } of set) {
    const expression = value ?? plan.defaults[column];
    const at: Env = stepwise ? { ...env, tuples: [{ ...env.tuples[0], values }, ...env.tuples.slice(1)] } : env;
    values[column] = cast(expression?.evaluate(at, run) ?? null, plan.table.columns[column]?.type ?? 'unknown');
  }
  return values;
}

/** Writes a new version after the checks that look at other rows of the table. */
export function storeChange(run: StatementRun, table: number, row: Row, before: readonly Value[], after: Image): void {
  const { work } = run;
  if (after) {
    const existing = conflictingRow(work, table, after, row, { before });
    if (existing) throw duplicate(run, table, existing);
  }
  const columns = work.context.rules[table]?.keyColumns ?? [];
  const keyChanges = after === null || columns.some((column) => !same(before[column] ?? null, after[column] ?? null));
  work.lock(table, row, keyChanges ? 'update' : 'no key update');
  const again = row.draft?.by === work.session;
  run.remember(table, row.id, before);
  work.write(table, row, after);
  run.touched.wrote.add(`${work.context.tables[table]?.name}:${row.id}`);
  recordWrite(work, table, before, after);
  noteChange(run, table, row.id, before, after, again);
  if (work.context.dialect === 'mysql') fireEvents(run);
}
