import { DatabaseError } from '../../sql/errors.ts';
import type { Dialect } from '../../sql/parse.ts';
import type { CounterAction, RowLock, Scan, TableLock, TableRules } from '../../sql/plan.ts';
import type { Table } from '../../sql/schema.ts';
import { same } from '../../sql/values.ts';
import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';
import { CODES } from './codes.ts';
import { ROW_CONFLICTS, tableLocksConflict } from './locks.ts';
import { normalise } from './normalise.ts';
import { type AdvisoryAction, useAdvisoryLock, useCounter } from './outside.ts';
import { POLICIES, type Policy } from './policy.ts';
import type { DatabaseState, Draft, Image, Row, Session, Transaction } from './state.ts';

/** What is fixed while a design is explored. */
export interface DatabaseContext {
  readonly dialect: Dialect;
  readonly tables: readonly Table[];
  readonly rules: readonly TableRules[];
  readonly scans: readonly Scan[];
  /** What SET TRANSACTION ISOLATION LEVEL means; without it, what the dialect's own engine gives by default. */
  readonly levelOf?: (name: string) => ConcurrencyControl | undefined;
}

/** Thrown inside a statement that has to wait for other sessions. */
export class Wait {
  readonly on: Session[];
  constructor(on: readonly Session[]) {
    this.on = [...new Set(on)].sort();
  }
}

/**
 * A database state that is being changed by one session. The state it starts from stays as it is: tables and rows
 * are copied when they are first changed.
 */
export class Work {
  readonly state: DatabaseState;
  readonly context: DatabaseContext;
  readonly session: Session;
  readonly #ownTables = new Set<number>();
  #ownTransaction = false;
  /** Whether something ended that older versions were kept for. */
  #ended = false;

  constructor(state: DatabaseState, context: DatabaseContext, session: Session) {
    this.state = { ...state, tables: state.tables.slice(), transactions: state.transactions.slice() };
    this.context = context;
    this.session = session;
  }

  error(kind: keyof typeof CODES, message: string): DatabaseError {
    return new DatabaseError(CODES[kind][this.context.dialect], message);
  }

  /** The session's transaction; begins one where there is none. */
  begin(control: ConcurrencyControl): Transaction {
    if (!this.state.transactions[this.session]) {
      this.#ownTransaction = true;
      this.state.transactions[this.session] = {
        control,
        wrote: false,
        reads: [],
        missed: { sessions: [], commits: [] },
        missedBy: [],
        savepoints: [],
        deferred: [],
      };
    }
    return this.transaction;
  }

  /** The session's running transaction; may be changed. */
  get transaction(): Transaction {
    if (!this.#ownTransaction) {
      this.#ownTransaction = true;
      this.state.transactions[this.session] = { ...(this.state.transactions[this.session] as Transaction) };
    }
    return this.state.transactions[this.session] as Transaction;
  }

  /** Replaces parts of another session's transaction. */
  amend(session: Session, changes: Partial<Transaction>): void {
    const old = this.state.transactions[session];
    if (old) this.state.transactions[session] = { ...old, ...changes };
  }

  get policy(): Policy {
    return POLICIES[(this.state.transactions[this.session] as Transaction).control];
  }

  rows(table: number): readonly Row[] {
    return this.state.tables[table] as readonly Row[];
  }

  row(table: number, id: number): Row | undefined {
    return this.rows(table).find((row) => row.id === id);
  }

  tableIndex(table: Table): number {
    return this.context.tables.indexOf(table);
  }

  /** Replaces a row by a changed copy. */
  #put(
    table: number,
    row: Row,
    changes: Partial<Pick<Row, 'versions' | 'locks'>> & { draft?: Row['draft'] | null },
  ): Row {
    const rows = this.#own(table);
    const draft = changes.draft === undefined ? row.draft : (changes.draft ?? undefined);
    const next: Row = {
      id: row.id,
      versions: changes.versions ?? row.versions,
      locks: changes.locks ?? row.locks,
      ...(draft && { draft }),
    };
    const at = rows.findIndex((candidate) => candidate.id === row.id);
    if (at >= 0) rows[at] = next;
    return next;
  }

  #own(table: number): Row[] {
    if (!this.#ownTables.has(table)) {
      this.#ownTables.add(table);
      this.state.tables[table] = this.rows(table).slice();
    }
    return this.state.tables[table] as Row[];
  }

  /** What the session sees of a row at a snapshot: its own uncommitted version, else the newest committed one. */
  seen(row: Row, snapshot: number): Image {
    if (row.draft?.by === this.session) return row.draft.values;
    const { versions } = row;
    for (let i = versions.length - 1; i >= 0; i--) {
      const version = versions[i];
      if (version && version.at <= snapshot) return version.values;
    }
    return null;
  }

  /** The newest version that is committed or the session's own. */
  newest(row: Row): Image {
    if (row.draft?.by === this.session) return row.draft.values;
    return row.versions.at(-1)?.values ?? null;
  }

  /** Sessions whose locks on the row conflict with `strength`. */
  holders(row: Row, strength: RowLock['strength']): Session[] {
    if (row.locks.length === 0) return [];
    return row.locks
      .filter((lock) => lock.by !== this.session && ROW_CONFLICTS[strength].includes(lock.strength))
      .map((lock) => lock.by);
  }

  /** Locks a row or waits. Returns whether the session did not hold this lock before. */
  lock(table: number, row: Row, strength: RowLock['strength']): boolean {
    const current = this.row(table, row.id) ?? row;
    const holders = this.holders(current, strength);
    if (holders.length > 0) throw new Wait(holders);
    if (current.locks.some((lock) => lock.by === this.session && lock.strength === strength)) return false;
    const locks = [...current.locks, { by: this.session, strength }];
    if (locks.length > 1) locks.sort((a, b) => a.by - b.by || (a.strength < b.strength ? -1 : 1));
    this.#put(table, current, { locks });
    return true;
  }

  unlock(table: number, id: number, strength: RowLock['strength']): void {
    const row = this.row(table, id);
    if (!row) return;
    this.#put(table, row, {
      locks: row.locks.filter((lock) => lock.by !== this.session || lock.strength !== strength),
    });
  }

  write(table: number, row: Row, values: Image, truncated = false): void {
    const current = this.row(table, row.id) ?? row;
    const earlier = this.#earlier(table, current, values);
    this.#put(table, current, {
      draft: { by: this.session, values, ...(earlier && { earlier }), ...(truncated && { truncated: true }) },
    });
    if (!this.transaction.wrote) this.transaction.wrote = true;
  }

  #earlier(table: number, { draft }: Row, values: Image): Draft['earlier'] {
    const last = draft?.by === this.session ? draft.values : null;
    const columns = this.context.rules[table]?.keyColumns ?? [];
    const kept = !last || columns.every((column) => values && same(last[column] ?? null, values[column] ?? null));
    return kept || !last ? draft?.earlier : [...(draft?.earlier ?? []), last];
  }

  /** Adds an uncommitted row. */
  insert(table: number, values: Image): Row {
    const rows = this.#own(table);
    const row: Row = {
      id: (rows.at(-1)?.id ?? -1) + 1,
      versions: [],
      locks: [{ by: this.session, strength: 'update' }],
      draft: { by: this.session, values },
    };
    rows.push(row);
    this.transaction.wrote = true;
    return row;
  }

  /** Sets draft and locks of the session on a row back, for a savepoint. */
  restore(
    table: number,
    id: number,
    draft: { values: Image } | undefined,
    strengths: readonly RowLock['strength'][],
  ): void {
    const row = this.row(table, id);
    if (!row) return;
    const others = row.locks.filter((lock) => lock.by !== this.session);
    const locks = [...others, ...strengths.map((strength) => ({ by: this.session, strength }))].sort(
      (a, b) => a.by - b.by || (a.strength < b.strength ? -1 : 1),
    );
    const own = row.draft?.by === this.session;
    const next = this.#put(table, row, {
      locks,
      ...(own && { draft: draft ? { by: this.session, values: draft.values } : null }),
    });
    if (next.versions.length === 0 && !next.draft) {
      this.state.tables[table] = this.#own(table).filter((candidate) => candidate.id !== id);
    }
  }

  /** Locks a table as a whole, or waits. */
  lockTable(table: number, mode: TableLock, nowait = false): void {
    const held = this.state.tableLocks ?? [];
    const holders = held
      .filter((lock) => lock.table === table && lock.by !== this.session && tableLocksConflict(mode, lock.mode))
      .map((lock) => lock.by);
    if (holders.length > 0) {
      if (nowait) throw this.error('lockNotAvailable', 'could not obtain lock on relation');
      throw new Wait(holders);
    }
    if (held.some((lock) => lock.table === table && lock.by === this.session && lock.mode === mode)) return;
    this.state.tableLocks = [...held, { table, by: this.session, mode }].sort(
      (a, b) => a.table - b.table || a.by - b.by || (a.mode < b.mode ? -1 : 1),
    );
  }

  /** Draws from, reads or sets a counter. Counters are not part of the transaction. `draw` remembers what it gave. */
  counter(action: CounterAction, name: string, to = 1): number {
    return useCounter(this, action, name, to);
  }

  /** Takes or gives back an advisory lock; whether that was possible. */
  advisory(action: AdvisoryAction, scope: 'session' | 'transaction', key: string, shared: boolean): boolean {
    return useAdvisoryLock(this, action, scope, key, shared);
  }

  /** Ends the transaction: its drafts become versions, or go. */
  end(outcome: 'commit' | 'rollback'): void {
    const { state, session } = this;
    const transaction = state.transactions[session];
    this.#ended = true;
    if (transaction) {
      // Validation tells committed transactions apart by their time, also those that only read.
      if (outcome === 'commit' && (transaction.wrote || POLICIES[transaction.control].validation !== 'none'))
        state.now++;
      for (let table = 0; table < state.tables.length; table++) this.#endIn(table, outcome);
      if (state.ranges.length > 0) state.ranges = state.ranges.filter((range) => range.by !== session);
      if (state.tableLocks) {
        const left = state.tableLocks.filter((lock) => lock.by !== session);
        if (left.length > 0) state.tableLocks = left;
        else delete state.tableLocks;
      }
      if (state.advisory.length > 0) {
        state.advisory = state.advisory.filter((lock) => lock.by !== session || lock.scope === 'session');
      }
      state.transactions[session] = null;
    }
    for (const [by, other] of state.transactions.entries()) {
      if (!other) continue;
      // A session that ended is awaited by nobody; the waiting statement looks again.
      if (other.wait?.on.includes(session)) {
        this.amend(by, { wait: { ...other.wait, on: other.wait.on.filter((on) => on !== session) } });
      }
      if (other.missed.sessions.includes(session)) {
        const sessions = other.missed.sessions.filter((missed) => missed !== session);
        this.amend(by, { missed: { sessions, commits: other.missed.commits } });
      }
    }
  }

  #endIn(table: number, outcome: 'commit' | 'rollback'): void {
    const { state, session } = this;
    for (const row of this.rows(table)) {
      const own = row.draft?.by === session;
      if (!own && !row.locks.some((lock) => lock.by === session)) continue;
      const versions =
        own && outcome === 'commit'
          ? row.draft?.truncated
            ? []
            : [...row.versions, { at: state.now, values: row.draft?.values ?? null }]
          : row.versions;
      this.#put(table, row, {
        versions,
        locks: row.locks.filter((lock) => lock.by !== session),
        ...(own && { draft: null }),
      });
    }
    if (this.rows(table).some((row) => row.versions.length === 0 && !row.draft)) {
      state.tables[table] = this.#own(table).filter((row) => row.versions.length > 0 || row.draft);
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

  /** Versions that were kept for a statement that waited may go. */
  forget(): void {
    this.#ended = true;
  }

  finish(): DatabaseState {
    if (this.#ended) normalise(this.state);
    return this.state;
  }
}
