import type { Row, Savepoint } from './state.ts';
import type { Work } from './work.ts';

/** SAVEPOINT, ROLLBACK TO and RELEASE (PostgreSQL manual, SAVEPOINT). */

/** Remembers what the transaction has done so far. */
export function setSavepoint(work: Work, name: string): void {
  const { state, session, transaction } = work;
  const rows = state.tables.flatMap((all, table) =>
    all.flatMap((row): Savepoint['rows'][number][] => {
      const strengths = row.locks.filter((lock) => lock.by === session).map((lock) => lock.strength);
      const own = row.draft?.by === session ? row.draft : undefined;
      if (!own && strengths.length === 0) return [];
      return [{ table, row: row.id, strengths, ...(own && { draft: { values: own.values } }) }];
    }),
  );
  const point: Savepoint = {
    name,
    rows,
    tableLocks: state.tableLocks?.filter((lock) => lock.by === session),
    advisory: state.advisory.filter((lock) => lock.by === session),
    deferred: transaction.deferred,
  };
  transaction.savepoints = [...transaction.savepoints, point];
}

/** Takes back what was done since the savepoint. Locks taken since are released, except in MySQL. */
export function rollbackTo(work: Work, name: string): void {
  const { state, session, transaction } = work;
  const at = transaction.savepoints.findLastIndex((point) => point.name === name);
  const point = transaction.savepoints[at];
  if (!point) throw work.error('savepoint', `savepoint "${name}" does not exist`);
  const keepsLocks = work.context.dialect === 'mysql';
  state.tables.forEach((rows, table) => {
    for (const row of rows) {
      if (!isMine(row, session)) continue;
      const before = point.rows.find((known) => known.table === table && known.row === row.id);
      const held = row.locks.filter((lock) => lock.by === session).map((lock) => lock.strength);
      work.restore(table, row.id, before?.draft, keepsLocks ? held : (before?.strengths ?? []));
    }
  });
  if (!keepsLocks) {
    state.advisory = [
      ...state.advisory.filter((lock) => lock.by !== session || lock.scope === 'session'),
      ...point.advisory.filter((lock) => lock.scope === 'transaction'),
    ];
    if (state.tableLocks) {
      const locks = [...state.tableLocks.filter((lock) => lock.by !== session), ...(point.tableLocks ?? [])];
      if (locks.length > 0) state.tableLocks = locks;
      else delete state.tableLocks;
    }
  }
  transaction.deferred = point.deferred;
  transaction.savepoints = transaction.savepoints.slice(0, at + 1);
}

/** Forgets a savepoint and the ones after it. */
export function release(work: Work, name: string): void {
  const { transaction } = work;
  const at = transaction.savepoints.findLastIndex((point) => point.name === name);
  if (at < 0) throw work.error('savepoint', `savepoint "${name}" does not exist`);
  transaction.savepoints = transaction.savepoints.slice(0, at);
}

const isMine = (row: Row, session: number) =>
  row.draft?.by === session || row.locks.some((lock) => lock.by === session);
