import { DatabaseError } from '../../sql/errors.ts';
import type { Dialect } from '../../sql/parse.ts';
import type { RowLock, Scan, TableRules } from '../../sql/plan.ts';
import type { Table } from '../../sql/schema.ts';
import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';
import { POLICIES, type Policy } from './policy.ts';
import { copy, type DatabaseState, type Image, normalise, type Row, type Session, type Transaction } from './state.ts';

/** What is fixed while a design is explored. */
export interface DatabaseContext {
  readonly dialect: Dialect;
  readonly tables: readonly Table[];
  readonly rules: readonly TableRules[];
  readonly scans: readonly Scan[];
}

/** Thrown inside a statement that has to wait for other sessions. */
export class Wait {
  readonly on: Session[];
  constructor(on: readonly Session[]) {
    this.on = [...new Set(on)].sort();
  }
}

const CONFLICTS: Readonly<Record<RowLock['strength'], readonly RowLock['strength'][]>> = {
  'key share': ['update'],
  share: ['no key update', 'update'],
  'no key update': ['share', 'no key update', 'update'],
  update: ['key share', 'share', 'no key update', 'update'],
};

/** Codes by dialect: SQLSTATE for PostgreSQL, error number for the MySQL family. */
const CODES = {
  serialization: { postgresql: '40001', mysql: '1020' },
  deadlock: { postgresql: '40P01', mysql: '1213' },
  unique: { postgresql: '23505', mysql: '1062' },
  foreignKey: { postgresql: '23503', mysql: '1452' },
  parentInUse: { postgresql: '23503', mysql: '1451' },
  check: { postgresql: '23514', mysql: '3819' },
  notNull: { postgresql: '23502', mysql: '1048' },
  exclusion: { postgresql: '23P01', mysql: '1062' },
  lockNotAvailable: { postgresql: '55P03', mysql: '3572' },
} as const;

/** A database state that is being changed by one session. */
export class Work {
  readonly state: DatabaseState;
  readonly context: DatabaseContext;
  readonly session: Session;

  constructor(state: DatabaseState, context: DatabaseContext, session: Session) {
    this.state = copy(state);
    this.context = context;
    this.session = session;
  }

  error(kind: keyof typeof CODES, message: string): DatabaseError {
    return new DatabaseError(CODES[kind][this.context.dialect], message);
  }

  /** The session's transaction; begins one where there is none. */
  begin(control: ConcurrencyControl): Transaction {
    const running = this.state.transactions[this.session];
    if (running) return running;
    const transaction: Transaction = {
      control,
      wrote: false,
      reads: [],
      missed: { sessions: [], commits: [] },
      missedBy: [],
      savepoints: [],
    };
    this.state.transactions[this.session] = transaction;
    return transaction;
  }

  get transaction(): Transaction {
    return this.state.transactions[this.session] as Transaction;
  }

  get policy(): Policy {
    return POLICIES[this.transaction.control];
  }

  rows(table: number): Row[] {
    return this.state.tables[table] as Row[];
  }

  tableIndex(table: Table): number {
    return this.context.tables.indexOf(table);
  }

  /** What the session sees of a row at a snapshot: its own uncommitted version, else the newest committed one. */
  seen(row: Row, snapshot: number): Image {
    if (row.draft?.by === this.session) return row.draft.values;
    return row.versions.findLast((version) => version.at <= snapshot)?.values ?? null;
  }

  /** The newest version that is committed or the session's own. */
  newest(row: Row): Image {
    if (row.draft?.by === this.session) return row.draft.values;
    return row.versions.at(-1)?.values ?? null;
  }

  /** Sessions whose locks on the row conflict with `strength`. */
  holders(row: Row, strength: RowLock['strength']): Session[] {
    return row.locks
      .filter((lock) => lock.by !== this.session && CONFLICTS[strength].includes(lock.strength))
      .map((lock) => lock.by);
  }

  /** Locks a row or waits. Returns whether the session did not hold this lock before. */
  lock(row: Row, strength: RowLock['strength']): boolean {
    const holders = this.holders(row, strength);
    if (holders.length > 0) throw new Wait(holders);
    if (row.locks.some((lock) => lock.by === this.session && lock.strength === strength)) return false;
    row.locks.push({ by: this.session, strength });
    row.locks.sort((a, b) => a.by - b.by || a.strength.localeCompare(b.strength));
    return true;
  }

  unlock(row: Row, strength: RowLock['strength']): void {
    row.locks = row.locks.filter((lock) => lock.by !== this.session || lock.strength !== strength);
  }

  /** Keeps others from inserting into what the session scanned. */
  lockRange(table: number): void {
    if (!this.state.ranges.some((range) => range.table === table && range.by === this.session)) {
      this.state.ranges.push({ table, by: this.session });
      this.state.ranges.sort((a, b) => a.table - b.table || a.by - b.by);
    }
  }

  /** Waits while others keep a range of the table. */
  awaitRanges(table: number): void {
    const others = this.state.ranges
      .filter((range) => range.table === table && range.by !== this.session)
      .map((range) => range.by);
    if (others.length > 0) throw new Wait(others);
  }

  write(row: Row, values: Image): void {
    row.draft = { by: this.session, values };
    this.transaction.wrote = true;
  }

  /** Adds an uncommitted row. */
  insert(table: number, values: Image): Row {
    const rows = this.rows(table);
    const row: Row = {
      id: (rows.at(-1)?.id ?? -1) + 1,
      versions: [],
      locks: [{ by: this.session, strength: 'update' }],
    };
    rows.push(row);
    this.write(row, values);
    return row;
  }

  nextValue(counter: string): number {
    const next = (this.state.counters[counter] ?? 0) + 1;
    this.state.counters[counter] = next;
    return next;
  }

  advisory(
    action: 'lock' | 'try' | 'unlock' | 'unlock all',
    scope: 'session' | 'transaction',
    key: string,
    shared: boolean,
  ): boolean {
    const { state, session } = this;
    if (action === 'unlock all') {
      state.advisory = state.advisory.filter((lock) => lock.by !== session || lock.scope !== 'session');
      return true;
    }
    if (action === 'unlock') {
      const held = state.advisory.findIndex(
        (lock) => lock.by === session && lock.key === key && lock.scope === 'session',
      );
      if (held >= 0) state.advisory.splice(held, 1);
      return held >= 0;
    }
    const others = state.advisory.filter((lock) => lock.by !== session && lock.key === key && !(lock.shared && shared));
    if (others.length > 0) {
      if (action === 'try') return false;
      throw new Wait(others.map((lock) => lock.by));
    }
    if (!state.advisory.some((lock) => lock.by === session && lock.key === key && lock.scope === scope)) {
      state.advisory.push({ key, by: session, shared, scope });
      state.advisory.sort((a, b) => a.by - b.by || a.key.localeCompare(b.key));
    }
    return true;
  }

  /** Ends the transaction: its drafts become versions, or go. */
  end(outcome: 'commit' | 'rollback'): void {
    const { state, session } = this;
    const transaction = state.transactions[session];
    if (transaction) {
      // Validation tells committed transactions apart by their time, also those that only read.
      if (outcome === 'commit' && (transaction.wrote || POLICIES[transaction.control].validation !== 'none'))
        state.now++;
      for (const rows of state.tables) {
        for (let i = rows.length - 1; i >= 0; i--) {
          const row = rows[i] as Row;
          if (row.draft?.by === session) {
            if (outcome === 'commit') row.versions = [...row.versions, { at: state.now, values: row.draft.values }];
            delete row.draft;
          }
          row.locks = row.locks.filter((lock) => lock.by !== session);
          if (row.versions.length === 0 && !row.draft) rows.splice(i, 1);
        }
      }
      state.ranges = state.ranges.filter((range) => range.by !== session);
      state.advisory = state.advisory.filter((lock) => lock.by !== session || lock.scope === 'session');
      state.transactions[session] = null;
    }
    for (const other of state.transactions) {
      if (!other) continue;
      // A session that ended is awaited by nobody; the waiting statement looks again.
      if (other.wait) other.wait = { ...other.wait, on: other.wait.on.filter((by) => by !== session) };
      other.missed.sessions = other.missed.sessions.filter((by) => by !== session);
    }
  }

  /** Drops locks that live as long as the connection. */
  disconnect(): void {
    this.end('rollback');
    this.state.advisory = this.state.advisory.filter((lock) => lock.by !== this.session);
  }

  /** Whether the session waits for somebody who waits, over any number of steps, for this session. */
  deadlocked(): boolean {
    const seen = new Set<Session>();
    const visit = (session: Session): boolean => {
      for (const next of this.state.transactions[session]?.wait?.on ?? []) {
        if (next === this.session) return true;
        if (seen.has(next)) continue;
        seen.add(next);
        if (visit(next)) return true;
      }
      return false;
    };
    return visit(this.session);
  }

  finish(): DatabaseState {
    normalise(this.state);
    return this.state;
  }
}
