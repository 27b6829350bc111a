import type { RowLock, TableLock, Tuple } from '../../sql/plan.ts';
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
  readonly at: CommitTime;
  readonly values: Image;
}

/** An uncommitted version. */
export interface Draft {
  readonly by: Session;
  readonly values: Image;
  /** Earlier versions of the same transaction that had other keys: a unique check still waits for them. */
  readonly earlier?: readonly (readonly Value[])[];
  readonly truncated?: true;
}

/** A row with its committed versions (oldest first), at most one uncommitted version, and its locks. */
export interface Row {
  readonly id: number;
  versions: readonly Version[];
  draft?: Draft;
  locks: readonly { readonly by: Session; readonly strength: RowLock['strength'] }[];
}

/**
 * A condition that a transaction read, by the number of its scan and the key values it looked up, if any; or a key
 * that a unique check looked up.
 */
export type Read =
  | { readonly scan: number; readonly parameters: readonly Value[]; readonly at?: readonly Value[] }
  | { readonly table: number; readonly key: number; readonly value: readonly Value[] };

/**
 * A constraint that looks at other rows and is checked after the change: at the end of the statement, or at commit
 * where it is deferred. `rule` is an index into the parents (or keys) of `table`.
 */
export type Event =
  | {
      readonly kind: 'child';
      readonly table: number;
      readonly rule: number;
      readonly row: number;
      readonly after: readonly Value[];
    }
  | {
      readonly kind: 'parent';
      readonly table: number;
      readonly rule: number;
      readonly before: readonly Value[];
      readonly after: Image;
    }
  | { readonly kind: 'unique'; readonly table: number; readonly rule: number; readonly row: number };

/** A transaction that is running. */
export interface Transaction {
  control: ConcurrencyControl;
  /** Only SET TRANSACTION has run so far. */
  fresh?: true;
  /** Commits up to here are visible; undefined until the first statement, and where each statement has its own. */
  snapshot?: CommitTime;
  /** Number given to transactions that ask for it. */
  xid?: number;
  /** Oldest such number that was still running when the snapshot was taken. */
  xmin?: number;
  wrote: boolean;
  /** Newest commit after the snapshot whose effect a unique check has seen all the same. */
  beyond?: CommitTime;
  /** Only kept where a validation needs them. */
  reads: readonly Read[];
  /** Transactions whose writes this one missed: active ones by session, ended ones by commit time. */
  missed: { readonly sessions: readonly Session[]; readonly commits: readonly CommitTime[] };
  /** Commit times of ended transactions that missed a write of this one. */
  missedBy: readonly CommitTime[];
  /** Set while a statement waits. */
  wait?: { readonly on: readonly Session[]; readonly memory?: Memory | undefined };
  savepoints: readonly Savepoint[];
  /** Checks that are left for the commit. */
  deferred: readonly Event[];
  /** SET CONSTRAINTS: names (or `*` for all) that are deferred or immediate against their declaration. */
  constraints?: Readonly<Record<string, boolean>>;
}

/** What a transaction had done when a savepoint was set. */
export interface Savepoint {
  readonly name: string;
  /** Its drafts and row locks by table and row. */
  readonly rows: readonly {
    readonly table: number;
    readonly row: number;
    readonly draft?: { readonly values: Image };
    readonly strengths: readonly RowLock['strength'][];
  }[];
  readonly tableLocks: DatabaseState['tableLocks'];
  readonly advisory: DatabaseState['advisory'];
  readonly deferred: readonly Event[];
}

/** What a waiting statement keeps, so that it goes on where it stopped. */
export interface Memory {
  readonly snapshot: CommitTime;
  /** Results of the WITH queries that are done. */
  readonly common: Record<string, readonly Tuple[]>;
  /** Results of sub-selects that run once. */
  readonly once: Record<string, readonly Tuple[]>;
  /** How far scans that lock have come: rows found, and the row to look at next (none where it is done). */
  readonly scans: Record<
    string,
    { readonly found: readonly Tuple[]; readonly next?: number; readonly keyFound: boolean }
  >;
  /** Progress of each part: the changes inside WITH, then the statement itself. */
  readonly parts: (Progress | null)[];
  /** Rows that the statement has changed, as the transaction saw them before it. */
  readonly own: { readonly table: number; readonly row: number; readonly values: Image }[];
  /** Checks to make at the end of the statement; the ones before `fired` are made. */
  readonly events: Event[];
  fired: number;
  /** Commits that the check of a foreign key sees; set while the check waits. */
  checkAt?: CommitTime;
  /** The child row (table and number) for which a foreign key's action waits. */
  awaited?: readonly [table: number, row: number];
}

/** Progress of one INSERT, UPDATE, DELETE or MERGE. */
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

/** A part of a table that nobody else may insert into: values of one column between two bounds, or all of it. */
export interface Range {
  readonly table: number;
  readonly by: Session;
  readonly column?: number;
  /** Undefined: no bound. Values between the bounds are kept out; `closed` says which bounds are kept out too. */
  readonly low?: Value;
  readonly high?: Value;
  readonly closed?: 'low' | 'high' | 'both';
}

/** A database. Plain data: two states are equal when their JSON is. Never changed in place. */
export interface DatabaseState {
  /** Rows by table, in the order of the schema. */
  tables: (readonly Row[])[];
  /** Last value of each counter. Counters never go back. */
  counters: Readonly<Record<string, number>>;
  /** Last value of a counter that each session drew; only present once asked for. */
  drawn?: readonly (Readonly<Record<string, number>> | null)[];
  transactions: (Transaction | null)[];
  /** Ranges kept against inserts. */
  ranges: readonly Range[];
  advisory: readonly {
    readonly key: string;
    readonly by: Session;
    readonly shared: boolean;
    readonly scope: 'session' | 'transaction';
  }[];
  /** Locks on tables; only for tables that some statement locks as a whole. */
  tableLocks?: readonly { readonly table: number; readonly by: Session; readonly mode: TableLock }[];
  ended: readonly Ended[];
  now: CommitTime;
}
