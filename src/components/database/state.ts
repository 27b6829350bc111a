import type { RowLock, Tuple } from '../../sql/plan.ts';
import type { Value } from '../../sql/values.ts';
import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';

/** Number of a session: the index of the process that owns it. */
export type Session = number;
/** Order of commits. */
export type CommitTime = number;
/** Values of a row; null where the row is deleted. */
export type Image = readonly Value[] | null;

/** A committed version of a row. */
export interface Version {
  at: CommitTime;
  values: Image;
}

/** A row with its committed versions (oldest first), at most one uncommitted version, and its locks. */
export interface Row {
  readonly id: number;
  versions: Version[];
  draft?: { by: Session; values: Image };
  locks: { by: Session; strength: RowLock['strength'] }[];
}

/** A condition that a transaction read, by the number of its scan, or a key that a unique check looked up. */
export type Read =
  | { readonly scan: number; readonly parameters: readonly Value[] }
  | { readonly table: number; readonly key: number; readonly value: readonly Value[] };

/** A transaction that is running. */
export interface Transaction {
  control: ConcurrencyControl;
  /** Commits up to here are visible; undefined until the first statement. */
  snapshot?: CommitTime;
  /** Number given to transactions that ask for it. */
  xid?: number;
  /** Oldest such number that was still running when the snapshot was taken. */
  xmin?: number;
  wrote: boolean;
  /** Only kept where a validation needs them. */
  reads: Read[];
  /** Transactions whose writes this one missed: active ones by session, ended ones by commit time. */
  missed: { sessions: Session[]; commits: CommitTime[] };
  /** Commit times of ended transactions that missed a write of this one. */
  missedBy: CommitTime[];
  /** Set while a statement waits. */
  wait?: { on: Session[]; memory?: Memory | undefined };
  /** Uncommitted versions that existed when each savepoint was set. */
  savepoints: { name: string; drafts: { table: number; row: number; values: Image }[] }[];
}

/** What a waiting statement keeps, so that it goes on where it stopped. */
export interface Memory {
  snapshot: CommitTime;
  /** Results of the WITH queries that are done. */
  common: Record<string, readonly Tuple[]>;
  /** Progress of each part: the changes inside WITH, then the statement itself. */
  parts: Progress[];
}

/** Progress of one INSERT, UPDATE or DELETE. */
export interface Progress {
  done: boolean;
  /** Rows to insert, or tuples to change. */
  work?: readonly (readonly (Value | undefined)[])[] | readonly (readonly Tuple[])[];
  next: number;
  count: number;
  returned: (readonly Value[])[];
}

/** A committed transaction that is still concurrent with a running one (kept for dangerous structures). */
export interface Ended {
  readonly at: CommitTime;
  readonly snapshot: CommitTime;
  readonly reads: readonly Read[];
  readonly wrote: boolean;
  /** Earliest commit among the transactions whose writes it missed, if that came before its own. */
  readonly missedCommit?: CommitTime;
}

/** A database. Plain data: two states are equal when their JSON is. */
export interface DatabaseState {
  /** Rows by table, in the order of the schema. */
  tables: Row[][];
  /** Last value of each counter. Counters never go back. */
  counters: Record<string, number>;
  transactions: (Transaction | null)[];
  /** Ranges kept against inserts: table and holder. */
  ranges: { table: number; by: Session }[];
  advisory: { key: string; by: Session; shared: boolean; scope: 'session' | 'transaction' }[];
  ended: Ended[];
  now: CommitTime;
}

/** A deep copy that can be changed. Row values are shared: they are never changed in place. */
export function copy(state: DatabaseState): DatabaseState {
  return {
    tables: state.tables.map((rows) =>
      rows.map((row) => ({
        id: row.id,
        versions: row.versions.slice(),
        ...(row.draft && { draft: row.draft }),
        locks: row.locks.slice(),
      })),
    ),
    counters: { ...state.counters },
    transactions: state.transactions.map(
      (transaction) =>
        transaction && {
          ...transaction,
          reads: transaction.reads.slice(),
          missedBy: transaction.missedBy.slice(),
          missed: { sessions: transaction.missed.sessions.slice(), commits: transaction.missed.commits.slice() },
          savepoints: transaction.savepoints.slice(),
        },
    ),
    ranges: state.ranges.slice(),
    advisory: state.advisory.slice(),
    ended: state.ended.slice(),
    now: state.now,
  };
}

/**
 * Forgets what no running transaction can see and renumbers commits, so that histories that lead to the same
 * behaviour become the same state.
 */
export function normalise(state: DatabaseState): void {
  const active = state.transactions.filter((transaction): transaction is Transaction => transaction !== null);
  const snapshots = [
    ...new Set(active.flatMap((t) => [t.snapshot, t.wait?.memory?.snapshot]).filter((at) => at !== undefined)),
  ];
  const oldest = Math.min(state.now, ...snapshots);
  state.ended = state.ended.filter((ended) => ended.at > oldest);
  for (const rows of state.tables) {
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i] as Row;
      row.versions = visibleVersions(row.versions, snapshots);
      const gone = row.versions.length === 0 || (row.versions.length === 1 && row.versions[0]?.values === null);
      if (gone && !row.draft && row.locks.length === 0) rows.splice(i, 1);
    }
  }
  renumber(state, active);
}

function visibleVersions(versions: readonly Version[], snapshots: readonly CommitTime[]): Version[] {
  const keep = new Set<Version>();
  const newest = versions.at(-1);
  if (newest) keep.add(newest);
  for (const snapshot of snapshots) {
    const seen = versions.findLast((version) => version.at <= snapshot);
    if (seen) keep.add(seen);
    // A writer that compares with its snapshot needs every later writer, for dependencies.
    for (const version of versions) if (version.at > snapshot) keep.add(version);
  }
  return versions.filter((version) => keep.has(version));
}

function renumber(state: DatabaseState, active: readonly Transaction[]): void {
  const used = new Set<CommitTime>([state.now]);
  for (const rows of state.tables) for (const row of rows) for (const version of row.versions) used.add(version.at);
  for (const transaction of active) {
    if (transaction.snapshot !== undefined) used.add(transaction.snapshot);
    if (transaction.wait?.memory) used.add(transaction.wait.memory.snapshot);
  }
  for (const ended of state.ended) {
    used.add(ended.at);
    used.add(ended.snapshot);
    if (ended.missedCommit !== undefined) used.add(ended.missedCommit);
  }
  const order = [...used].sort((a, b) => a - b);
  if (order.every((at, i) => at === i)) return;
  const number = new Map(order.map((at, i) => [at, i]));
  const to = (at: CommitTime) => number.get(at) ?? -1;
  state.now = to(state.now);
  for (const rows of state.tables) {
    for (const row of rows)
      row.versions = row.versions.map((version) => ({ at: to(version.at), values: version.values }));
  }
  for (const transaction of active) {
    if (transaction.snapshot !== undefined) transaction.snapshot = to(transaction.snapshot);
    const memory = transaction.wait?.memory;
    if (transaction.wait && memory) {
      transaction.wait = { on: transaction.wait.on, memory: { ...memory, snapshot: to(memory.snapshot) } };
    }
    transaction.missedBy = transaction.missedBy.filter((at) => number.has(at)).map(to);
    transaction.missed.commits = transaction.missed.commits.filter((at) => number.has(at)).map(to);
  }
  state.ended = state.ended.map((ended) => ({
    ...ended,
    at: to(ended.at),
    snapshot: to(ended.snapshot),
    ...(ended.missedCommit !== undefined && { missedCommit: to(ended.missedCommit) }),
  }));
}
