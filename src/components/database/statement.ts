import type { DataPlan, Env, RowLock, Run, Scan, TableUse, Tuple } from '../../sql/plan.ts';
import type { Value } from '../../sql/values.ts';
import { type Changing, changeRows } from './change.ts';
import { fireEvents } from './integrity.ts';
import { mergeRows } from './merge.ts';
import { findRows, lockSeen } from './scan.ts';
import { recordRead } from './serializable.ts';
import type { Image, Memory, Progress } from './state.ts';
import { truncate } from './truncate.ts';
import { Wait, type Work } from './work.ts';

/** What a statement answers. */
export interface Result {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  /** Rows returned by a SELECT, else rows changed. */
  readonly count: number;
  readonly access?: Access;
}

/** Rows that a statement touched, as `table:row`; `scanned` names the tables that it searched by a condition. */
export interface Access {
  readonly read: readonly string[];
  readonly wrote: readonly string[];
  readonly inserted: readonly string[];
  readonly scanned: readonly string[];
}

/** Time at which every transaction starts; designs do not depend on the date of their review. */
export const NOW = Date.UTC(2026, 0, 1, 12);

/** Runs one statement in a transaction; may throw `Wait` and can then be run again with the same memory. */
export class StatementRun implements Run {
  readonly parameters: readonly Value[];
  readonly now = NOW;
  readonly common = new Map<string, readonly Tuple[]>();
  readonly memory: Memory;
  readonly work: Work;
  /** The change that is running; its scans lock what they read where scans lock. */
  changing: Changing | undefined;
  /** Whether checks are being made: what they call for comes after them. */
  firing = false;
  readonly touched = {
    read: new Set<string>(),
    wrote: new Set<string>(),
    inserted: new Set<string>(),
    scanned: new Set<string>(),
  };

  constructor(work: Work, parameters: readonly Value[]) {
    this.work = work;
    this.parameters = parameters;
    const { transaction, policy } = work;
    const waited = transaction.wait?.memory;
    delete transaction.wait;
    if (policy.serial) this.#awaitTurn();
    if (waited) {
      this.memory = {
        ...waited,
        common: { ...waited.common },
        once: { ...waited.once },
        scans: { ...waited.scans },
        parts: Array.from(waited.parts, (part) => (part ? { ...part, returned: [...part.returned] } : null)),
        own: [...waited.own],
        events: [...waited.events],
      };
      work.forget();
    } else {
      delete transaction.fresh;
      // InnoDB takes its snapshot at the first plain read, the others at the first statement.
      const late = policy.writes === 'current' && policy.reads === 'snapshot';
      const lasting = policy.snapshot === 'transaction';
      if (lasting && !late && transaction.snapshot === undefined) this.takeSnapshot();
      const snapshot = lasting ? (transaction.snapshot ?? work.state.now) : work.state.now;
      this.memory = { snapshot, common: {}, once: {}, scans: {}, parts: [], own: [], events: [], fired: 0 };
    }
  }

  run(plan: DataPlan): Result {
    if (plan.kind === 'truncate') {
      truncate(this, plan);
      return { columns: [], rows: [], count: 0 };
    }
    this.#lockTables(plan.uses, plan.kind === 'lock tables' && plan.nowait);
    if (plan.kind === 'lock tables') return { columns: [], rows: [], count: 0 };
    for (const [index, { name, plan: part }] of plan.common.entries()) {
      const known = this.memory.common[name];
      const rows =
        known ??
        ('rows' in part ? part.rows(undefined, this) : this.#change(part, index).rows.map((values) => ({ values })));
      this.memory.common[name] = rows;
      this.common.set(name, rows);
    }
    const result =
      plan.kind === 'select'
        ? {
            columns: plan.query.columns.map((column) => column.name),
            rows: plan.query.rows(undefined, this).map((tuple) => tuple.values),
          }
        : this.#change(plan, plan.common.length);
    if (this.memory.events.length > 0) fireEvents(this);
    return { count: result.rows.length, ...result, access: this.access() };
  }

  /** What the statement touched. */
  access(): Access {
    const { read, wrote, inserted, scanned } = this.touched;
    return { read: [...read], wrote: [...wrote], inserted: [...inserted], scanned: [...scanned] };
  }

  /** Runs a change; those inside WITH come first in the order of their parts. */
  #change(plan: Changing, index: number): Result {
    this.changing = plan;
    const progress: Progress = this.memory.parts[index] ?? { done: false, next: 0, count: 0, returned: [] };
    this.memory.parts[index] = progress;
    if (!progress.done) {
      if (plan.kind === 'merge') mergeRows(this, plan, progress);
      else changeRows(this, plan, progress);
      progress.done = true;
    }
    this.changing = undefined;
    return { columns: plan.returning?.columns ?? [], rows: progress.returned, count: progress.count };
  }

  // --- what queries ask for ---

  scan(scan: Scan, env: Env): readonly Tuple[] {
    if (this.work.policy.validation !== 'none') {
      const { id } = scan;
      const { parameters } = this;
      const at = scan.key?.values(env, this);
      const among = scan.among?.values(env, this).map((value) => [value]);
      for (const keys of among ?? [at]) recordRead(this.work, { scan: id, parameters, ...(keys && { at: keys }) });
    }
    const found = findRows(this, scan, env);
    if (!scan.key) this.touched.scanned.add(scan.table.name);
    for (const tuple of found) this.touched.read.add(`${scan.table.name}:${tuple.id}`);
    return found;
  }

  lock(scan: Scan, tuple: Tuple, lock: RowLock, matches: (newest: Tuple) => boolean): Tuple | undefined {
    if (this.work.policy.writes === 'current' && !scan.limited) return tuple;
    const table = this.work.tableIndex(scan.table);
    const row = this.work.row(table, tuple.id as number);
    if (!row) return undefined;
    const newest = lockSeen(this, table, row, lock, tuple.values);
    if (newest === undefined) return undefined;
    const current = newest === tuple.values ? tuple : { id: row.id, values: newest };
    return current === tuple || matches(current) ? current : undefined;
  }

  counter(...args: Parameters<Work['counter']>): number {
    return this.work.counter(...args);
  }

  advisory(...args: Parameters<Work['advisory']>): boolean {
    return this.work.advisory(...args);
  }

  once(id: number, rows: () => readonly Tuple[]): readonly Tuple[] {
    const known = this.memory.once[id];
    if (known) return known;
    const found = rows();
    this.memory.once[id] = found;
    return found;
  }

  transactionId(): number {
    const { transaction } = this.work;
    transaction.xid ??= this.work.counter('next', 'transaction id');
    return transaction.xid;
  }

  oldestTransactionId(): number {
    const { transaction, policy } = this.work;
    return policy.snapshot === 'transaction' && transaction.xmin !== undefined
      ? transaction.xmin
      : this.#oldestRunning();
  }

  #oldestRunning(): number {
    const running = this.work.state.transactions.flatMap((transaction) => transaction?.xid ?? []);
    return Math.min((this.work.state.counters['transaction id'] ?? 0) + 1, ...running);
  }

  takeSnapshot(): void {
    const { transaction, state } = this.work;
    transaction.snapshot = state.now;
    if (state.counters['transaction id'] !== undefined) transaction.xmin = this.#oldestRunning();
  }

  // --- own changes ---

  /** What the transaction saw of a row before this statement changed it; undefined where it did not change it. */
  before(table: number, row: number): { readonly values: Image } | undefined {
    return this.memory.own.find((own) => own.table === table && own.row === row);
  }

  /** Remembers that this statement changes a row, so that its own queries go on seeing the row as it was. */
  remember(table: number, row: number, values: Image): void {
    if (!this.before(table, row)) this.memory.own.push({ table, row, values });
  }

  #lockTables(uses: TableUse, nowait: boolean): void {
    for (const { table, mode } of uses) {
      if (table.lockedAsWhole) this.work.lockTable(this.work.tableIndex(table), mode, nowait);
    }
  }

  /** With `policy.serial` a transaction waits until no other one runs. */
  #awaitTurn(): void {
    const others = this.work.state.transactions.flatMap((transaction, by) =>
      transaction && by !== this.work.session && transaction.snapshot !== undefined && !transaction.wait ? [by] : [],
    );
    if (others.length > 0) throw new Wait(others);
  }
}
