import type { ParentRule } from '../../sql/plan.ts';
import { same, toText, type Value } from '../../sql/values.ts';
import { storeChange } from './change.ts';
import { checkRow, conflictingRow } from './constraints.ts';
import { lockSeen } from './scan.ts';
import type { Event, Image, Row, Transaction } from './state.ts';
import type { StatementRun } from './statement.ts';

/**
 * Foreign keys and deferrable unique keys: what a change calls for, and doing it at the end of the statement or at
 * commit, as PostgreSQL's constraint triggers do (manual, CREATE TABLE and SET CONSTRAINTS).
 */

/** Queues the checks and actions that a change of a row calls for; `again`: of a row that the transaction wrote before. */
export function noteChange(
  run: StatementRun,
  table: number,
  row: number,
  before: Image,
  after: Image,
  again = false,
): void {
  const { work } = run;
  const rules = work.context.rules[table];
  rules?.keys.forEach((key, rule) => {
    if (!key.deferrable || !after) return;
    const own = key.value(after);
    const old = before && key.value(before);
    if (!own || (old && own.every((part, i) => same(part, old[i] ?? null)))) return;
    queue(run, { kind: 'unique', table, rule, row }, key);
  });
  rules?.parents.forEach((key, rule) => {
    if (!after) return;
    const wanted = pick(after, key.columns);
    if (wanted.includes(null)) return;
    // A row that the transaction has written before is checked again, as PostgreSQL does.
    if (before && !again && equal(pick(before, key.columns), wanted)) return;
    queue(run, { kind: 'child', table, rule, row, after }, key);
  });
  if (!before) return;
  for (const [childTable, childRules] of work.context.rules.entries()) {
    for (const [rule, key] of childRules.parents.entries()) {
      if (work.tableIndex(key.parent) !== table) continue;
      const old = pick(before, key.parentColumns);
      if (old.includes(null) || (after && equal(pick(after, key.parentColumns), old))) continue;
      // Only NO ACTION can be deferred; the actions happen with the change.
      const action = after ? key.onUpdate : key.onDelete;
      const event: Event = { kind: 'parent', table: childTable, rule, before, after };
      queue(run, event, action === 'no action' ? key : { ...key, deferrable: false });
    }
  }
}

function queue(
  run: StatementRun,
  event: Event,
  rule: { readonly name: string; readonly deferrable: boolean; readonly deferred: boolean },
): void {
  const { transaction } = run.work;
  if (isDeferred(transaction, rule)) transaction.deferred = [...transaction.deferred, event];
  else run.memory.events.push(event);
}

/** Whether a constraint waits for the commit, after any SET CONSTRAINTS. */
export function isDeferred(
  { constraints }: Transaction,
  rule: { readonly name: string; readonly deferrable: boolean; readonly deferred: boolean },
): boolean {
  if (!rule.deferrable) return false;
  return constraints?.[rule.name] ?? constraints?.['*'] ?? rule.deferred;
}

/** Makes the checks that are due, in order; checks that these call for come after them. */
export function fireEvents(run: StatementRun): void {
  const { memory } = run;
  if (run.firing) return;
  run.firing = true;
  for (; memory.fired < memory.events.length; memory.fired++) {
    fire(run, memory.events[memory.fired] as Event);
    delete memory.checkAt;
  }
  run.firing = false;
}

const pick = (values: readonly Value[], columns: readonly number[]) => columns.map((column) => values[column] ?? null);
const equal = (a: readonly Value[], b: readonly Value[]) => a.every((part, i) => same(part, b[i] ?? null));

function fire(run: StatementRun, event: Event): void {
  const { work } = run;
  if (event.kind === 'unique') {
    const row = work.row(event.table, event.row);
    const values = row && work.newest(row);
    if (!row || !values) return;
    const existing = conflictingRow(work, event.table, values, row, {
      keys: [event.rule],
      exclusions: false,
      late: true,
    });
    const name = work.context.rules[event.table]?.keys[event.rule]?.name;
    if (existing) throw work.error('unique', `duplicate key value violates unique constraint "${name}"`);
    return;
  }
  const key = work.context.rules[event.table]?.parents[event.rule] as ParentRule;
  if (event.kind === 'child') checkParent(run, key, event.table, event.row, event.after);
  else actOnChildren(run, key, event.table, event.before, event.after);
}

/** What a query of a constraint sees: the newest rows, or the snapshot where the transaction has one. */
function seenByCheck(run: StatementRun, row: Row): Image {
  const { work } = run;
  if (work.policy.writes === 'abort') return work.seen(row, run.memory.snapshot);
  if (work.policy.writes === 'current') return work.newest(row);
  // Each check has its own snapshot, and keeps it while it waits.
  run.memory.checkAt ??= work.state.now;
  return work.seen(row, run.memory.checkAt);
}

/** A new or moved child must find its parent, which is locked against deletion. */
function checkParent(run: StatementRun, key: ParentRule, table: number, child: number, after: readonly Value[]): void {
  const { work } = run;
  const own = work.row(table, child);
  const values = own && work.newest(own);
  // The row was changed again since; that change has its own check.
  if (!values || !equal(pick(values, key.columns), pick(after, key.columns))) return;
  const wanted = pick(after, key.columns);
  const parentTable = work.tableIndex(key.parent);
  if (key.parent.lockedAsWhole) work.lockTable(parentTable, 'row share');
  const isParent = (image: Image) => image !== null && equal(pick(image, key.parentColumns), wanted);
  // Rows of others first: one that is only seen because the snapshot is old is a conflict.
  const ordered = [...work.rows(parentTable)].sort(
    (a, b) => Number(a.draft?.by === work.session) - Number(b.draft?.by === work.session),
  );
  for (const row of ordered) {
    const seen = seenByCheck(run, row);
    if (!isParent(seen) || !seen) continue;
    if (row.draft?.by === work.session) return;
    if (work.context.dialect === 'mysql') {
      work.lock(parentTable, row, 'share');
      return;
    }
    const newest = lockSeen(run, parentTable, row, { strength: 'key share', wait: 'wait' }, seen);
    if (newest && isParent(newest)) return;
  }
  // InnoDB waits for a parent that another session has not committed yet.
  if (work.context.dialect === 'mysql') {
    for (const row of work.rows(parentTable))
      if (isParent(row.draft?.values ?? null)) work.lock(parentTable, row, 'share');
  }
  throw work.error('foreignKey', `there is no row of "${key.parent.name}" with key ${wanted.map(toText).join(', ')}`);
}

/**
 * After a parent lost its key: children forbid it, follow it, or lose their reference. Like PostgreSQL's own checks
 * this looks at the newest rows and takes no part in the detection of dangerous structures.
 */
function actOnChildren(
  run: StatementRun,
  key: ParentRule,
  table: number,
  before: readonly Value[],
  after: Image,
): void {
  const { work } = run;
  const action = after ? key.onUpdate : key.onDelete;
  const old = pick(before, key.parentColumns);
  const parentTable = work.tableIndex(key.parent);
  if (action === 'no action') {
    // Another row may have taken the key over.
    const taken = work.rows(parentTable).some((row) => {
      const values = work.newest(row);
      return values !== null && equal(pick(values, key.parentColumns), old);
    });
    if (taken) return;
  }
  for (const { id } of work.rows(table)) {
    const row = work.row(table, id) as Row;
    const values = work.newest(row);
    if (!values || !equal(pick(values, key.columns), old)) {
      const [awaitedTable, awaitedRow] = run.memory.awaited ?? [];
      if (awaitedTable === table && awaitedRow === id && work.policy.writes === 'abort') {
        throw work.error('serialization', 'could not serialize access due to concurrent update');
      }
      continue;
    }
    run.memory.awaited = [table, id];
    const touched = run.before(table, id);
    const invisible =
      row.draft?.by !== work.session && (row.versions.at(-1)?.at ?? -1) > run.memory.snapshot && !touched;
    if (action === 'no action' || action === 'restrict') {
      work.lock(table, row, 'key share');
      const child = work.context.tables[table]?.name;
      throw work.error('parentInUse', `row is still referenced from table "${child}"`);
    }
    const next = action === 'cascade' && !after ? null : cleared(run, key, action, values, after);
    work.lock(table, row, next === null ? 'update' : 'no key update');
    if (invisible && work.policy.writes === 'abort') {
      throw work.error('serialization', 'could not serialize access due to concurrent update');
    }
    storeChange(run, table, work.row(table, id) as Row, values, next === null ? null : checkRow(work, table, next));
  }
  delete run.memory.awaited;
}

function cleared(
  run: StatementRun,
  key: ParentRule,
  action: ParentRule['onDelete'],
  values: readonly Value[],
  after: Image,
): readonly Value[] {
  const { work } = run;
  const next = [...values];
  if (action === 'cascade' && after) {
    key.columns.forEach((column, i) => {
      next[column] = after[key.parentColumns[i] as number] ?? null;
    });
    return next;
  }
  const table = work.context.rules.findIndex((rules) => rules.parents.includes(key));
  for (const column of after ? key.columns : key.cleared) {
    const value = action === 'set default' ? work.context.rules[table]?.defaults[column] : undefined;
    next[column] = value?.(run) ?? null;
  }
  return next;
}
