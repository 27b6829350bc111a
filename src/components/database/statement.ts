import type { DatabaseError } from '../../sql/errors.ts';
import type { Change, Env, Insert, RowLock, Run, Scan, Select, Tuple } from '../../sql/plan.ts';
import { newRow } from '../../sql/statement.ts';
import { cast, same, type Value } from '../../sql/values.ts';
import { checkForeignKeys, checkRow, conflictingRow, releaseChildren } from './constraints.ts';
import { recordRead, recordWrite } from './serializable.ts';
import type { Memory, Progress, Row } from './state.ts';
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

/** A statement that reads or changes rows. */
type DataPlan = Select | Insert | Change;

/** Runs one statement in a transaction; may throw `Wait` and can then be run again with the same memory. */
export class StatementRun implements Run {
  readonly parameters: readonly Value[];
  readonly now = NOW;
  readonly common = new Map<string, readonly Tuple[]>();
  readonly memory: Memory;
  readonly #work: Work;
  /** The change that is running; its scans lock what they read. */
  #changing: Insert | Change | undefined;
  /** Index of the change that is running: changes inside WITH come first. */
  #part = 0;
  readonly #access = {
    read: new Set<string>(),
    wrote: new Set<string>(),
    inserted: new Set<string>(),
    scanned: new Set<string>(),
  };

  constructor(work: Work, parameters: readonly Value[]) {
    this.#work = work;
    this.parameters = parameters;
    const { transaction, policy } = work;
    const waited = transaction.wait?.memory;
    delete transaction.wait;
    if (policy.serial) this.#awaitTurn();
    if (waited) {
      const parts = waited.parts.map((part) => ({ ...part, returned: [...part.returned] }));
      this.memory = { ...waited, common: { ...waited.common }, parts };
    } else {
      // InnoDB takes its snapshot at the first plain read, the others at the first statement.
      const late = policy.writes === 'current' && policy.reads === 'snapshot';
      if (!late && transaction.snapshot === undefined) this.#takeSnapshot();
      const snapshot = policy.snapshot === 'statement' ? work.state.now : (transaction.snapshot ?? work.state.now);
      this.memory = { snapshot, common: {}, parts: [] };
    }
  }

  run(plan: DataPlan): Result {
    for (const { name, plan: part } of plan.common) {
      const known = this.memory.common[name];
      const rows =
        known ?? ('rows' in part ? part.rows(undefined, this) : this.#change(part).rows.map((values) => ({ values })));
      this.memory.common[name] = rows;
      this.common.set(name, rows);
    }
    if (plan.kind !== 'select') return { ...this.#change(plan), access: this.access() };
    const rows = plan.query.rows(undefined, this).map((tuple) => tuple.values);
    return {
      columns: plan.query.columns.map((column) => column.name),
      rows,
      count: rows.length,
      access: this.access(),
    };
  }

  /** What the statement touched. */
  access(): Access {
    const { read, wrote, inserted, scanned } = this.#access;
    return { read: [...read], wrote: [...wrote], inserted: [...inserted], scanned: [...scanned] };
  }

  // --- what queries ask for ---

  scan(scan: Scan, env: Env): readonly Tuple[] {
    recordRead(this.#work, { scan: scan.id, parameters: this.parameters });
    const found = this.#find(scan, env);
    if (!scan.key) this.#access.scanned.add(scan.table.name);
    for (const tuple of found) this.#access.read.add(`${scan.table.name}:${tuple.id}`);
    return found;
  }

  #find(scan: Scan, env: Env): readonly Tuple[] {
    const work = this.#work;
    const { policy } = work;
    if (policy.writes === 'current') {
      const lock = this.#lockOf(scan);
      if (lock) return this.#readCurrent(scan, env, lock, true);
      const shared = { strength: 'share', wait: 'wait' } as const;
      if (policy.reads === 'current') return this.#readCurrent(scan, env, shared, policy.keepsReadLocks);
      if (policy.reads === 'uncommitted') {
        return this.#read(scan, (row) => (row.draft ? row.draft.values : (row.versions.at(-1)?.values ?? null)));
      }
    }
    if (work.transaction.snapshot === undefined) this.#takeSnapshot();
    return this.#read(scan, (row) => work.seen(row, this.memory.snapshot));
  }

  #takeSnapshot(): void {
    const { transaction, state } = this.#work;
    transaction.snapshot = state.now;
    if (state.counters['transaction id'] !== undefined) transaction.xmin = this.#oldestRunning();
  }

  lock(scan: Scan, tuple: Tuple, lock: RowLock, matches: (newest: Tuple) => boolean): Tuple | undefined {
    if (this.#work.policy.writes === 'current') return tuple;
    const row = this.#row(scan, tuple);
    const newest = this.#lockSeen(row, lock);
    if (newest === undefined) return undefined;
    const current = newest === tuple.values ? tuple : { id: row.id, values: newest };
    return current === tuple || matches(current) ? current : undefined;
  }

  nextValue(counter: string): number {
    return this.#work.nextValue(counter);
  }

  advisory(...args: Parameters<Work['advisory']>): boolean {
    return this.#work.advisory(...args);
  }

  transactionId(): number {
    const { transaction } = this.#work;
    transaction.xid ??= this.#work.nextValue('transaction id');
    return transaction.xid;
  }

  oldestTransactionId(): number {
    const { transaction, policy } = this.#work;
    return policy.snapshot === 'transaction' && transaction.xmin !== undefined ? transaction.xmin : this.#oldestRunning();
  }

  #oldestRunning(): number {
    const running = this.#work.state.transactions.flatMap((transaction) => transaction?.xid ?? []);
    return Math.min((this.#work.state.counters['transaction id'] ?? 0) + 1, ...running);
  }

  // --- reading ---

  #row(scan: Scan, tuple: Tuple): Row {
    return this.#work.rows(this.#work.tableIndex(scan.table)).find((row) => row.id === tuple.id) as Row;
  }

  #read(scan: Scan, version: (row: Row) => readonly Value[] | null): Tuple[] {
    const found: Tuple[] = [];
    for (const row of this.#work.rows(this.#work.tableIndex(scan.table))) {
      const values = version(row);
      if (values !== null && scan.matches(values, this)) found.push({ id: row.id, values });
    }
    return found;
  }

  /** The lock that a scan takes where scans lock; undefined for a plain read. */
  #lockOf(scan: Scan): RowLock | undefined {
    if (this.#changing) {
      const target = 'scan' in this.#changing && this.#changing.scan === scan;
      return { strength: target ? 'update' : 'share', wait: 'wait' };
    }
    if (!scan.lock) return undefined;
    const shared = scan.lock.strength === 'share' || scan.lock.strength === 'key share';
    return { strength: shared ? 'share' : 'update', wait: scan.lock.wait };
  }

  /** Reads the newest committed rows and locks what it scans, as InnoDB does for writes and locking reads. */
  #readCurrent(scan: Scan, env: Env, lock: RowLock, keep: boolean): Tuple[] {
    const work = this.#work;
    const table = work.tableIndex(scan.table);
    const key = scan.key && { columns: scan.key.columns, values: scan.key.values(env, this) };
    const atKey = (values: readonly Value[] | null | undefined) =>
      !!values && (key?.columns.every((column, i) => same(values[column] ?? null, key.values[i] ?? null)) ?? true);
    const found: Tuple[] = [];
    let keyFound = false;
    for (const row of [...work.rows(table)]) {
      if (key && !atKey(row.draft?.values) && !atKey(row.versions.at(-1)?.values)) continue;
      const holders = work.holders(row, lock.strength);
      if (holders.length > 0) {
        if (lock.wait === 'skip') continue;
        if (lock.wait === 'error') throw work.error('lockNotAvailable', 'could not obtain lock on row');
        throw new Wait(holders);
      }
      const fresh = keep && work.lock(row, lock.strength);
      const values = work.newest(row);
      if (key && atKey(values)) keyFound = true;
      if (values && scan.matches(values, this)) found.push({ id: row.id, values });
      else if (fresh && !work.policy.ranges) work.unlock(row, lock.strength);
    }
    if (keep && work.policy.ranges && !keyFound) work.lockRange(table);
    return found;
  }

  // --- locking what a snapshot showed ---

  /** Locks a row that the snapshot showed; gives its newest values, or undefined when it is gone or skipped. */
  #lockSeen(row: Row, lock: RowLock): readonly Value[] | undefined {
    const work = this.#work;
    if (lock.wait !== 'wait' && work.holders(row, lock.strength).length > 0) {
      if (lock.wait === 'skip') return undefined;
      throw work.error('lockNotAvailable', 'could not obtain lock on row');
    }
    const changed = (row.versions.at(-1)?.at ?? -1) > this.memory.snapshot;
    if (changed && work.policy.writes === 'abort') {
      throw work.error('serialization', 'could not serialize access due to concurrent update');
    }
    work.lock(row, lock.strength);
    return work.newest(row) ?? undefined;
  }

  /** With `policy.serial` a transaction waits until no other one runs. */
  #awaitTurn(): void {
    const others = this.#work.state.transactions.flatMap((transaction, by) =>
      transaction && by !== this.#work.session && transaction.snapshot !== undefined && !transaction.wait ? [by] : [],
    );
    if (others.length > 0) throw new Wait(others);
  }

  // --- changing ---

  #change(plan: Insert | Change): Result {
    this.#changing = plan;
    const index = this.#part++;
    const progress: Progress = this.memory.parts[index] ?? { done: false, next: 0, count: 0, returned: [] };
    this.memory.parts[index] = progress;
    if (!progress.done) {
      if (plan.kind === 'insert') this.#insert(plan, progress);
      else this.#update(plan, progress);
      progress.done = true;
    }
    this.#changing = undefined;
    return { columns: plan.returning?.columns ?? [], rows: progress.returned, count: progress.count };
  }

  #insert(plan: Insert, progress: Progress): void {
    const table = this.#work.tableIndex(plan.table);
    progress.work ??= plan.source(this).map((given) => newRow(plan, given, this));
    const rows = progress.work as readonly (readonly Value[])[];
    for (; progress.next < rows.length; progress.next++) {
      const values = checkRow(this.#work, table, rows[progress.next] as readonly Value[]);
      this.#work.awaitRanges(table);
      this.#insertRow(plan, table, values, progress);
    }
  }

  #insertRow(plan: Insert, table: number, values: readonly Value[], progress: Progress): void {
    const work = this.#work;
    const existing = conflictingRow(work, table, values, undefined);
    if (
      existing &&
      plan.conflict &&
      (existing.key === undefined ? !plan.conflict.update : plan.conflict.keys.includes(existing.key))
    ) {
      this.#onConflict(plan, table, existing.row, values, progress);
      return;
    }
    if (existing) throw this.#duplicate(table, existing);
    checkForeignKeys(work, table, values, this.memory.snapshot);
    const row = work.insert(table, values);
    this.#access.inserted.add(`${plan.table.name}:${row.id}`);
    recordWrite(work, table, null, values);
    progress.count++;
    if (plan.returning) progress.returned.push(plan.returning.row({ tuples: [{ values }] }, this));
  }

  /** A unique check read the key; a row that the snapshot does not show is a serialization failure at SERIALIZABLE. */
  #duplicate(table: number, existing: { row: Row; key: number | undefined }): DatabaseError {
    const work = this.#work;
    const invisible = work.seen(existing.row, this.memory.snapshot) === null;
    if (invisible && work.policy.validation !== 'none') {
      return work.error(
        'serialization',
        'could not serialize access due to read/write dependencies among transactions',
      );
    }
    if (existing.key === undefined)
      return work.error('exclusion', 'conflicting key value violates exclusion constraint');
    const name = work.context.rules[table]?.keys[existing.key]?.name;
    return work.error('unique', `duplicate key value violates unique constraint "${name}"`);
  }

  #onConflict(plan: Insert, table: number, row: Row, excluded: readonly Value[], progress: Progress): void {
    const work = this.#work;
    const own = row.draft?.by === work.session;
    if (work.policy.writes === 'abort' && !own && (row.versions.at(-1)?.at ?? -1) > this.memory.snapshot) {
      throw work.error('serialization', 'could not serialize access due to concurrent update');
    }
    const update = plan.conflict?.update;
    if (!update) return;
    work.lock(row, 'update');
    const current = work.newest(row) as readonly Value[];
    const env: Env = {
      tuples: [{ id: row.id, values: current }],
      outer: { tuples: [{ values: [] }, { values: excluded }] },
    };
    if (update.where && update.where.evaluate(env, this) !== true) return;
    const values = checkRow(work, table, this.#assign(plan, update.set, current, env));
    this.#replace(table, row, current, values);
    progress.count++;
    if (plan.returning) progress.returned.push(plan.returning.row({ tuples: [{ id: row.id, values }] }, this));
  }

  #update(plan: Change, progress: Progress): void {
    const work = this.#work;
    const table = work.tableIndex(plan.table);
    const strength = plan.kind === 'delete' || this.#touchesKey(plan, table) ? 'update' : 'no key update';
    progress.work ??= plan.candidates(this).map((env) => env.tuples);
    const candidates = progress.work as readonly (readonly Tuple[])[];
    for (; progress.next < candidates.length; progress.next++) {
      const tuples = candidates[progress.next] as readonly Tuple[];
      const target = tuples[0] as Tuple;
      const row = this.#row(plan.scan, target);
      const newest =
        work.policy.writes === 'current' ? work.newest(row) : this.#lockSeen(row, { strength, wait: 'wait' });
      if (!newest) continue;
      const env: Env = { tuples: [{ id: row.id, values: newest }, ...tuples.slice(1)] };
      if (newest !== target.values && !same({ list: newest }, { list: target.values }) && !plan.matches(env, this))
        continue;
      if (plan.kind === 'delete') {
        releaseChildren(work, table, newest, (child, from, to) => this.#replace(child, from.row, from.values, to));
        this.#replace(table, row, newest, null);
        if (plan.returning) progress.returned.push(plan.returning.row(env, this));
      } else {
        const values = checkRow(work, table, this.#assign(plan, plan.set, newest, env));
        this.#replace(table, row, newest, values);
        if (plan.returning)
          progress.returned.push(plan.returning.row({ tuples: [{ id: row.id, values }, ...tuples.slice(1)] }, this));
      }
      progress.count++;
    }
  }

  #touchesKey(plan: Change, table: number): boolean {
    const keys = this.#work.context.rules[table]?.keys ?? [];
    return plan.set.some(({ column }) => keys.some((key) => key.columns?.includes(column)));
  }

  #assign(plan: Insert | Change, set: Change['set'], current: readonly Value[], env: Env): Value[] {
    const values = [...current];
    for (const { column, value } of set) {
      const expression = value ?? plan.defaults[column];
      values[column] = cast(expression?.evaluate(env, this) ?? null, plan.table.columns[column]?.type ?? 'unknown');
    }
    return values;
  }

  /** Writes a new version after the checks that look at other rows. */
  #replace(table: number, row: Row, before: readonly Value[], after: readonly Value[] | null): void {
    const work = this.#work;
    if (after) {
      const existing = conflictingRow(work, table, after, row);
      if (existing) throw this.#duplicate(table, existing);
      checkForeignKeys(work, table, after, this.memory.snapshot, before);
    }
    work.lock(row, 'no key update');
    work.write(row, after);
    this.#access.wrote.add(`${work.context.tables[table]?.name}:${row.id}`);
    recordWrite(work, table, before, after);
  }
}
