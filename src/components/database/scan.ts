import type { Env, RowLock, Scan, Tuple } from '../../sql/plan.ts';
import { compareNullable, same, type Value } from '../../sql/values.ts';
import type { Image, Range, Row } from './state.ts';
import type { StatementRun } from './statement.ts';
import { Wait } from './work.ts';

/** How a statement reads rows: from a snapshot, or the newest ones with locks. */

/** Rows that a scan gives to its statement. */
export function findRows(run: StatementRun, scan: Scan, env: Env): readonly Tuple[] {
  const { work } = run;
  const { policy } = work;
  if (policy.writes === 'current') {
    if (scan.limited) return read(run, scan, (row) => work.newest(row));
    const lock = lockOf(run, scan);
    if (lock) return readCurrent(run, scan, env, lock, true);
    const shared = { strength: 'share', wait: 'wait' } as const;
    if (policy.reads === 'current') return readCurrent(run, scan, env, shared, policy.keepsReadLocks);
    if (policy.reads === 'uncommitted') {
      return read(run, scan, (row) => (row.draft ? row.draft.values : (row.versions.at(-1)?.values ?? null)));
    }
  }
  if (policy.snapshot === 'transaction' && work.state.transactions[work.session]?.snapshot === undefined) {
    run.takeSnapshot();
  }
  const snapshot = policy.snapshot === 'transaction' ? (work.transaction.snapshot as number) : run.memory.snapshot;
  return read(run, scan, (row) => work.seen(row, snapshot));
}

function read(run: StatementRun, scan: Scan, version: (row: Row) => Image): Tuple[] {
  const { work, memory } = run;
  const table = work.tableIndex(scan.table);
  const found: Tuple[] = [];
  for (const row of work.rows(table)) {
    const own = row.draft?.by === work.session && memory.own.length > 0 ? run.before(table, row.id) : undefined;
    const values = own ? own.values : version(row);
    if (values !== null && scan.matches(values, run)) found.push({ id: row.id, values });
  }
  return found;
}

/** The lock that a scan takes where scans lock; undefined for a plain read. */
function lockOf(run: StatementRun, scan: Scan): RowLock | undefined {
  const { changing } = run;
  if (changing) {
    const target = 'scan' in changing && changing.scan === scan;
    // At READ COMMITTED what a change reads besides its target is a plain read (MySQL manual, 17.7.3).
    if (!target && !run.work.policy.ranges && run.work.policy.reads === 'snapshot') return undefined;
    return { strength: target ? 'update' : 'share', wait: 'wait' };
  }
  if (!scan.lock) return undefined;
  const shared = scan.lock.strength === 'share' || scan.lock.strength === 'key share';
  return { ...scan.lock, strength: shared ? 'share' : 'update' };
}

/**
 * Reads the newest committed rows and locks what it scans, as InnoDB does for writes and locking reads: the row of a
 * unique key, the rows of an index range and the gaps beside them, or the whole table where no index helps.
 */
function readCurrent(run: StatementRun, scan: Scan, env: Env, lock: RowLock, keep: boolean): Tuple[] {
  const { work } = run;
  const { policy } = work;
  const table = work.tableIndex(scan.table);
  const path = accessPath(run, scan, env);
  // A scan that waited goes on where it was: rows that it has passed are not looked at again.
  const first = env.tuples.length === 0 && !env.outer;
  const begun = first ? run.memory.scans[scan.id] : undefined;
  if (begun && begun.next === undefined) return [...begun.found];
  const found: Tuple[] = [...(begun?.found ?? [])];
  let keyFound = begun?.keyFound ?? false;
  for (const { id } of work.rows(table)) {
    const row = work.row(table, id) as Row;
    if (id < (begun?.next ?? 0)) continue;
    if (!path.covers(row.draft?.values ?? null) && !path.covers(row.versions.at(-1)?.values ?? null)) continue;
    const holders = work.holders(row, lock.strength);
    if (holders.length > 0) {
      if (lock.wait === 'skip') continue;
      if (lock.wait === 'error') throw work.error('lockNotAvailable', 'could not obtain lock on row');
      // Before it waits, READ COMMITTED looks whether the committed row matches at all (semi-consistent read).
      if (!policy.ranges && run.changing?.kind === 'update' && !row.locks.some((held) => held.by === work.session)) {
        const committed = row.versions.at(-1)?.values;
        if (!scan.key && (!committed || !scan.matches(committed, run))) continue;
      }
      if (first) run.memory.scans[scan.id] = { found, next: id, keyFound };
      throw new Wait(holders);
    }
    const fresh = keep && work.lock(table, row, lock.strength);
    const own = run.before(table, id);
    const values = own ? own.values : work.newest(row);
    if (path.covers(values)) keyFound = true;
    if (values && scan.matches(values, run)) found.push({ id, values });
    else if (fresh && !policy.ranges) work.unlock(table, id, lock.strength);
  }
  if (keep && (policy.ranges || lock.range) && !(path.unique && keyFound)) keepRange(run, table, path.gap);
  if (first) run.memory.scans[scan.id] = { found, keyFound };
  return found;
}

interface AccessPath {
  readonly covers: (values: Image) => boolean;
  /** Fixes all columns of a unique key. */
  readonly unique: boolean;
  readonly gap: { readonly column?: number; readonly low?: Value; readonly high?: Value };
}

function accessPath(run: StatementRun, scan: Scan, env: Env): AccessPath {
  if (scan.key) {
    const { columns } = scan.key;
    const wanted = scan.key.values(env, run);
    const [first] = columns;
    const [value] = wanted;
    return {
      unique: true,
      covers: (values) =>
        values !== null && columns.every((column, i) => same(values[column] ?? null, wanted[i] ?? null)),
      gap: first === undefined || value === undefined ? {} : { column: first, low: value, high: value },
    };
  }
  const bound = scan.bounds[0];
  if (!bound) return { unique: false, covers: (values) => values !== null, gap: {} };
  const { low, high } = bound.range(env, run);
  return {
    unique: false,
    covers: (values) => values !== null && within(values[bound.column] ?? null, low, high),
    gap: { column: bound.column, ...(low !== undefined && { low }), ...(high !== undefined && { high }) },
  };
}

const within = (value: Value, low: Value | undefined, high: Value | undefined) =>
  (low === undefined || compareNullable(value, low) >= 0) && (high === undefined || compareNullable(value, high) <= 0);

/** Keeps others from inserting between the neighbours of what was scanned. */
function keepRange(run: StatementRun, table: number, gap: AccessPath['gap']): void {
  const { work } = run;
  const { column } = gap;
  let { low, high } = gap;
  if (column !== undefined) {
    // The gap reaches to the next values that exist on both sides.
    const values = work
      .rows(table)
      .flatMap((row) => [row.draft?.values, row.versions.at(-1)?.values])
      .flatMap((image) => (image ? [image[column] ?? null] : []));
    const [from, to] = [low, high];
    const below = from === undefined ? [] : values.filter((value) => compareNullable(value, from) < 0);
    const above = to === undefined ? [] : values.filter((value) => compareNullable(value, to) > 0);
    low = below.sort(compareNullable).at(-1);
    high = above.sort(compareNullable)[0];
  }
  const range: Range = {
    table,
    by: work.session,
    ...(column !== undefined && { column }),
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
  };
  const text = JSON.stringify(range);
  if (work.state.ranges.some((known) => JSON.stringify(known) === text)) return;
  work.state.ranges = [...work.state.ranges, range].sort(
    (a, b) => a.table - b.table || a.by - b.by || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
  );
}

/** Waits while others keep the place of a new row. */
export function awaitRanges(run: StatementRun, table: number, values: readonly Value[]): void {
  const { state, session } = run.work;
  if (state.ranges.length === 0) return;
  const others = state.ranges.filter((range) => {
    if (range.table !== table || range.by === session) return false;
    if (range.column === undefined) return true;
    const value = values[range.column] ?? null;
    return (
      (range.low === undefined || compareNullable(value, range.low) >= 0) &&
      (range.high === undefined || compareNullable(value, range.high) < 0)
    );
  });
  if (others.length > 0) throw new Wait(others.map((range) => range.by));
}

/**
 * Locks a row that the snapshot showed as `seen`; gives its newest values, or undefined when it is gone or skipped.
 * A snapshot transaction aborts where the row changed since (PostgreSQL manual, 13.2.2).
 */
export function lockSeen(
  run: StatementRun,
  table: number,
  row: Row,
  lock: RowLock,
  seen: readonly Value[],
): readonly Value[] | undefined {
  const { work } = run;
  const own = row.draft?.by === work.session;
  const changed = !own && (row.versions.at(-1)?.at ?? -1) > run.memory.snapshot;
  // FOR KEY SHARE does not care for changes that leave the key alone, and goes on with the version that it saw.
  if (changed && lock.strength === 'key share' && keyKept(run, table, row, seen)) {
    if (takeLock(run, table, row, lock) === 'skipped') return undefined;
    return seen;
  }
  if (changed && work.policy.writes === 'abort') {
    throw work.error('serialization', 'could not serialize access due to concurrent update');
  }
  // A row that is gone is not locked.
  if (!row.draft && row.versions.at(-1)?.values === null) return undefined;
  if (takeLock(run, table, row, lock) === 'skipped') return undefined;
  if (!own && !changed) return seen;
  return work.newest(row) ?? undefined;
}

function takeLock(run: StatementRun, table: number, row: Row, lock: RowLock): 'taken' | 'skipped' {
  const { work } = run;
  if (lock.wait !== 'wait' && work.holders(row, lock.strength).length > 0) {
    if (lock.wait === 'skip') return 'skipped';
    throw work.error('lockNotAvailable', 'could not obtain lock on row');
  }
  work.lock(table, row, lock.strength);
  return 'taken';
}

function keyKept(run: StatementRun, table: number, row: Row, seen: readonly Value[]): boolean {
  const columns = run.work.context.rules[table]?.keyColumns ?? [];
  return row.versions.every(
    ({ at, values }) =>
      at <= run.memory.snapshot ||
      (values !== null && columns.every((column) => same(values[column] ?? null, seen[column] ?? null))),
  );
}
