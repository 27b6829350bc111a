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
}

/** Everything a running statement asks of its surroundings. */
export interface Run {
  readonly parameters: readonly Value[];
  /** Start of the transaction, milliseconds since 1970. */
  readonly now: number;
  /** Rows of a table that this statement sees and that satisfy the scan's own condition. */
  readonly scan: (scan: Scan, env: Env) => readonly Tuple[];
  /** Locks a row that was found; undefined when the row is to be left out. May give a newer version. */
  readonly lock: (scan: Scan, tuple: Tuple, lock: RowLock, matches: (newest: Tuple) => boolean) => Tuple | undefined;
  readonly nextValue: (counter: string) => number;
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
  /** Values for all columns of a unique key, where the condition gives them by equality. */
  readonly key?: { readonly columns: readonly number[]; readonly values: (env: Env, run: Run) => readonly Value[] };
}

/** A row lock that a SELECT asks for. */
export interface RowLock {
  readonly strength: 'key share' | 'share' | 'no key update' | 'update';
  readonly wait: 'wait' | 'skip' | 'error';
}

/** A compiled SELECT, VALUES or set operation. */
export interface Query {
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  readonly rows: (outer: Env | undefined, run: Run) => Tuple[];
}

/** Compiled RETURNING. */
export interface Returning {
  readonly columns: readonly string[];
  readonly row: (env: Env, run: Run) => readonly Value[];
}

/** A compiled INSERT. */
export interface Insert {
  readonly kind: 'insert';
  readonly table: Table;
  readonly common: readonly Common[];
  /** Position in the table of each given column. */
  readonly columns: readonly number[];
  /** Rows to insert; `undefined` stands for DEFAULT. */
  readonly source: (run: Run) => readonly (readonly (Value | undefined)[])[];
  readonly defaults: readonly (Expression | undefined)[];
  readonly conflict?: {
    /** Index of the unique keys that are arbiters; all where none is named. */
    readonly keys: readonly number[];
    /** Undefined: DO NOTHING. The environment has the row at 0 and `excluded` at 1. */
    readonly update?: { readonly set: readonly Assignment[]; readonly where?: Expression };
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
  readonly scan: Scan;
  /** Environments that match, in scan order. */
  readonly candidates: (run: Run) => readonly Env[];
  /** The whole condition, for the re-check of a row that changed while the statement waited. */
  readonly matches: (env: Env, run: Run) => boolean;
  readonly set: readonly Assignment[];
  readonly defaults: readonly (Expression | undefined)[];
  readonly returning?: Returning;
}

/** A WITH query. */
export interface Common {
  readonly name: string;
  readonly plan: Query | Insert | Change;
}

/** A compiled SELECT statement with its WITH queries. */
export interface Select {
  readonly kind: 'select';
  readonly common: readonly Common[];
  readonly query: Query;
}

/** BEGIN, COMMIT, ROLLBACK, SAVEPOINT and SET TRANSACTION. */
export interface Control {
  readonly kind: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'rollback to' | 'release' | 'set level';
  /** Isolation level in lower case, or the name of a savepoint. */
  readonly argument?: string;
}

/** A compiled statement. */
export type Plan = Select | Insert | Change | Control;

/** Constraints of a table, compiled. */
export interface TableRules {
  readonly keys: readonly {
    readonly name: string;
    readonly primary: boolean;
    readonly columns: readonly number[] | undefined;
    /** Undefined when the row is outside a partial index. */
    readonly value: (values: readonly Value[]) => readonly Value[] | undefined;
    readonly nullsNotDistinct: boolean;
  }[];
  readonly checks: readonly { readonly name: string; readonly holds: (values: readonly Value[]) => boolean }[];
  readonly parents: readonly {
    readonly columns: readonly number[];
    readonly parent: Table;
    readonly parentColumns: readonly number[];
    readonly onDelete: 'restrict' | 'cascade' | 'set null' | 'set default';
    readonly deferred: boolean;
  }[];
  readonly exclusions: readonly { readonly conflicts: (a: readonly Value[], b: readonly Value[]) => boolean }[];
  readonly generated: readonly { readonly column: number; readonly value: (values: readonly Value[]) => Value }[];
}
