import type { Table } from './schema.ts';
import type { SqlType, Value } from './values.ts';

/** A row of a FROM item; `id` is set for rows of a table. */
export interface Tuple {
  readonly values: readonly Value[];
  readonly id?: number;
}

/** What an expression is evaluated in: one tuple per FROM item, the enclosing query's, and the rows of the group. */
export interface Env {
  readonly tuples: readonly Tuple[];
  readonly outer?: Env | undefined;
  readonly group?: readonly Env[];
  /** Results of window functions for this row. */
  readonly windows?: readonly Value[];
}

/** `next` draws a value, `draw` also remembers it for the session, `current` gives the one remembered. */
export type CounterAction = 'next' | 'draw' | 'current' | 'set';

/** Everything a running statement asks of its surroundings. */
export interface Run {
  readonly parameters: readonly Value[];
  /** Start of the transaction, milliseconds since 1970. */
  readonly now: number;
  /** Rows of a table that this statement sees and that satisfy the scan's own condition. */
  readonly scan: (scan: Scan, env: Env) => readonly Tuple[];
  /** Locks a row that was found; undefined when the row is to be left out. May give a newer version. */
  readonly lock: (scan: Scan, tuple: Tuple, lock: RowLock, matches: (newest: Tuple) => boolean) => Tuple | undefined;
  /** `to` is the first value for `next` and `draw`, the new last value for `set`. */
  readonly counter: (action: CounterAction, name: string, to?: number) => number;
  readonly advisory: (
    action: 'lock' | 'try' | 'unlock' | 'unlock all',
    scope: 'session' | 'transaction',
    key: string,
    shared: boolean,
  ) => boolean;
  readonly transactionId: () => number;
  readonly oldestTransactionId: () => number;
  /** Results of the WITH queries of this statement. */
  readonly common: Map<string, readonly Tuple[]>;
  /** Rows of a sub-select that does not depend on the row at hand: it runs once in a statement. */
  readonly once: (id: number, rows: () => readonly Tuple[]) => readonly Tuple[];
}

/** A compiled expression. */
export interface Expression {
  readonly evaluate: (env: Env, run: Run) => Value;
  readonly type: SqlType;
}

/** How one FROM item reads its table. */
export interface Scan {
  /** Index in the list of all scans of a design: names the condition in a state. */
  readonly id: number;
  readonly table: Table;
  /** The parts of the condition that speak of this table and parameters only. */
  readonly matches: (values: readonly Value[], run: Pick<Run, 'parameters' | 'now'>) => boolean;
  /** Row lock that the SELECT asks for on this item. */
  readonly lock?: RowLock;
  /** A LIMIT with locks: rows are locked one by one until it is reached, not while they are scanned. */
  readonly limited?: boolean;
  /** Values for all columns of a unique key, where the condition gives them by equality. */
  readonly key?: { readonly columns: readonly number[]; readonly values: (env: Env, run: Run) => readonly Value[] };
  /** The values that a unique column may have by a sub-select that runs once: `id IN (SELECT ...)`. */
  readonly among?: { readonly column: number; readonly values: (env: Env, run: Run) => readonly Value[] };
  /** Bounds on columns that begin an index, where the condition gives them; the ones by equality come first. */
  readonly bounds: readonly Bound[];
}

/** The part of an index that a scan needs. */
export interface Bound {
  readonly column: number;
  readonly unique: boolean;
  /** Undefined side: no bound. */
  readonly range: (env: Env, run: Run) => { readonly low?: Value; readonly high?: Value };
}

/** A row lock that a SELECT asks for. */
export interface RowLock {
  readonly strength: 'key share' | 'share' | 'no key update' | 'update';
  readonly wait: 'wait' | 'skip' | 'error';
  /** Keeps inserts out of the range as well (HOLDLOCK). */
  readonly range?: true;
}

/** Lock modes of a table, weakest first (PostgreSQL manual, 13.3.1). */
export type TableLock =
  | 'access share'
  | 'row share'
  | 'row exclusive'
  | 'share update exclusive'
  | 'share'
  | 'share row exclusive'
  | 'exclusive'
  | 'access exclusive';

/** Tables that a statement names, with the lock that it takes on each before it runs. */
export type TableUse = readonly { readonly table: Table; readonly mode: TableLock }[];

/** A compiled SELECT, VALUES or set operation. */
export interface Query {
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  readonly rows: (outer: Env | undefined, run: Run) => Tuple[];
}

/** Compiled RETURNING. */
export interface Returning {
  readonly columns: readonly string[];
  /** `env` has the row after the change at 0 (before it for DELETE); `old` and `new` come last. */
  readonly row: (env: Env, run: Run) => readonly Value[];
}

/** A compiled INSERT. */
export interface Insert {
  readonly kind: 'insert';
  readonly table: Table;
  readonly common: readonly Common[];
  readonly uses: TableUse;
  /** Position in the table of each given column. */
  readonly columns: readonly number[];
  /** Rows to insert; `undefined` stands for DEFAULT. */
  readonly source: (run: Run) => readonly (readonly (Value | undefined)[])[];
  readonly defaults: readonly (Expression | undefined)[];
  /** `user`: values given for identity columns are ignored; `system`: they are allowed for GENERATED ALWAYS. */
  readonly overriding?: 'user' | 'system';
  readonly conflict?: {
    /** Index of the unique keys that are arbiters; all where none is named. */
    readonly keys: readonly number[];
    /** No target was named: exclusion constraints count too. */
    readonly any: boolean;
    /** Undefined: DO NOTHING. The environment has the row at 0 and, one scope out, `excluded` at 1. */
    readonly update?: { readonly set: readonly Assignment[]; readonly where?: Expression };
    /** MySQL's REPLACE: rows in the way are deleted. */
    readonly replace?: boolean;
  };
  readonly returning?: Returning;
}

/** SET column = expression. */
export interface Assignment {
  readonly column: number;
  /** Undefined: DEFAULT. */
  readonly value: Expression | undefined;
}

/** A compiled UPDATE or DELETE. The target is tuple 0 of the environment. */
export interface Change {
  readonly kind: 'update' | 'delete';
  readonly table: Table;
  readonly common: readonly Common[];
  readonly uses: TableUse;
  readonly scan: Scan;
  /** Environments that match, in scan order; a target may come with several partners, the first that fits counts. */
  readonly candidates: (run: Run) => readonly Env[];
  /** The whole condition, for the re-check of a row that changed while the statement waited. */
  readonly matches: (env: Env, run: Run) => boolean;
  readonly set: readonly Assignment[];
  readonly defaults: readonly (Expression | undefined)[];
  readonly returning?: Returning;
}

/** One WHEN clause of a MERGE. */
export interface MergeAction {
  readonly matched: 'matched' | 'not matched by target' | 'not matched by source';
  readonly condition?: Expression;
  readonly action:
    | { readonly kind: 'nothing' | 'delete' }
    | { readonly kind: 'update'; readonly set: readonly Assignment[] }
    | {
        readonly kind: 'insert';
        readonly columns: readonly number[];
        readonly values: readonly (Expression | undefined)[];
      };
}

/** A compiled MERGE. The target is tuple 0, the source the others. */
export interface Merge {
  readonly kind: 'merge';
  readonly table: Table;
  readonly common: readonly Common[];
  readonly uses: TableUse;
  readonly scan: Scan;
  /** Pairs of a source row and a target row or, where none matches, an empty target. */
  readonly candidates: (run: Run) => readonly Env[];
  /** The ON condition. */
  readonly matches: (env: Env, run: Run) => boolean;
  readonly actions: readonly MergeAction[];
  readonly defaults: readonly (Expression | undefined)[];
  readonly returning?: Returning;
}

/** A WITH query. */
export interface Common {
  readonly name: string;
  readonly plan: Query | Insert | Change | Merge;
}

/** A compiled SELECT statement with its WITH queries. */
export interface Select {
  readonly kind: 'select';
  readonly common: readonly Common[];
  readonly uses: TableUse;
  readonly query: Query;
}

/** TRUNCATE. */
export interface Truncate {
  readonly kind: 'truncate';
  readonly tables: readonly Table[];
  readonly cascade: boolean;
  readonly restart: boolean;
}

/** LOCK TABLE. */
export interface LockTables {
  readonly kind: 'lock tables';
  readonly uses: TableUse;
  readonly nowait: boolean;
}

/** SET CONSTRAINTS; no names: all. */
export interface SetConstraints {
  readonly kind: 'set constraints';
  readonly names: readonly string[];
  readonly deferred: boolean;
}

/** BEGIN, COMMIT, ROLLBACK, SAVEPOINT and SET TRANSACTION. */
export interface Control {
  readonly kind: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'rollback to' | 'release' | 'set level' | 'nothing';
  /** Isolation level in lower case, or the name of a savepoint. */
  readonly argument?: string;
}

/** A statement that reads or changes rows. */
export type DataPlan = Select | Insert | Change | Merge | Truncate | LockTables;

/** A compiled statement. */
export type Plan = DataPlan | SetConstraints | Control;

/** A unique key, compiled. */
export interface KeyRule {
  readonly name: string;
  readonly primary: boolean;
  readonly columns: readonly number[] | undefined;
  /** Undefined when the row is outside a partial index. */
  readonly value: (values: readonly Value[]) => readonly Value[] | undefined;
  readonly nullsNotDistinct: boolean;
  /** Whether it may be checked at commit, and whether it is unless said otherwise. */
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

/** What happens to children. */
export type ReferentialAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** A foreign key, compiled. */
export interface ParentRule {
  readonly name: string;
  readonly columns: readonly number[];
  readonly parent: Table;
  readonly parentColumns: readonly number[];
  readonly onDelete: ReferentialAction;
  readonly onUpdate: ReferentialAction;
  /** Columns that ON DELETE SET NULL or SET DEFAULT changes. */
  readonly cleared: readonly number[];
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

/** Constraints of a table, compiled. */
export interface TableRules {
  readonly keys: readonly KeyRule[];
  /** Columns whose change counts as a change of the row's key (FOR UPDATE instead of FOR NO KEY UPDATE). */
  readonly keyColumns: readonly number[];
  readonly checks: readonly { readonly name: string; readonly holds: (values: readonly Value[]) => boolean }[];
  readonly parents: readonly ParentRule[];
  readonly exclusions: readonly {
    readonly name: string;
    readonly conflicts: (a: readonly Value[], b: readonly Value[]) => boolean;
  }[];
  readonly generated: readonly { readonly column: number; readonly value: (values: readonly Value[]) => Value }[];
  /** Defaults of columns, for SET DEFAULT. */
  readonly defaults: readonly (((run: Pick<Run, 'now'>) => Value) | undefined)[];
}
