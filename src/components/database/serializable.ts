import { same } from '../../sql/values.ts';
import { POLICIES } from './policy.ts';
import type { CommitTime, Image, Read, Session, Transaction } from './state.ts';
import type { Work } from './work.ts';

/**
 * Serializable snapshot isolation: remembers which transaction missed whose writes (rw anti-dependencies) and aborts
 * a transaction whose commit would complete a dangerous structure (Cahill et al., SIGMOD 2008; Ports and Grittner,
 * VLDB 2012). Only transactions at this level take part. PostgreSQL aborts at least these, and some more.
 */

const tracked = (transaction: Transaction | null | undefined): transaction is Transaction =>
  !!transaction && POLICIES[transaction.control].validation === 'dangerous structures';

/** Whether a condition or key that was read covers an image of a row. */
function covers(work: Work, read: Read, table: number, image: Image): boolean {
  if (image === null || tableOf(work, read) !== table) return false;
  if ('scan' in read)
    return work.context.scans[read.scan]?.matches(image, { parameters: read.parameters, now: 0 }) ?? false;
  const value = work.context.rules[table]?.keys[read.key]?.value(image);
  return value?.every((part, i) => same(part, read.value[i] ?? null)) ?? false;
}

function tableOf(work: Work, read: Read): number {
  if (!('scan' in read)) return read.table;
  return work.context.tables.findIndex((table) => table.name === work.context.scans[read.scan]?.table.name);
}

/** Remembers a read, and the concurrent writers that it missed. */
export function recordRead(work: Work, read: Read): void {
  const { transaction, policy, state } = work;
  if (policy.validation === 'none') return;
  const text = JSON.stringify(read);
  if (!transaction.reads.some((known) => JSON.stringify(known) === text)) transaction.reads.push(read);
  if (policy.validation !== 'dangerous structures') return;
  const table = tableOf(work, read);
  const snapshot = transaction.snapshot ?? state.now;
  for (const row of work.rows(table)) {
    const before = row.versions.findLast((version) => version.at <= snapshot)?.values ?? null;
    const touched = (after: Image) => covers(work, read, table, before) || covers(work, read, table, after);
    for (const version of row.versions) {
      const writer = version.at > snapshot && state.ended.some((ended) => ended.at === version.at);
      if (writer && touched(version.values)) add(transaction.missed.commits, version.at);
    }
    const draft = row.draft;
    if (draft && draft.by !== work.session && tracked(state.transactions[draft.by]) && touched(draft.values)) {
      add(transaction.missed.sessions, draft.by);
    }
  }
}

/** Remembers the concurrent readers that miss this write. */
export function recordWrite(work: Work, table: number, before: Image, after: Image): void {
  const { state, session, transaction } = work;
  if (!tracked(transaction)) return;
  const hit = (reads: readonly Read[]) =>
    reads.some((read) => covers(work, read, table, before) || covers(work, read, table, after));
  for (const [by, other] of state.transactions.entries()) {
    if (by !== session && tracked(other) && hit(other.reads)) add(other.missed.sessions, session);
  }
  for (const ended of state.ended) {
    if (ended.at > (transaction.snapshot ?? state.now) && hit(ended.reads)) add(transaction.missedBy, ended.at);
  }
}

/**
 * Checks at commit; call before the transaction ends.
 *
 * @returns what is to be done once it has ended, or undefined when it must abort.
 */
export function validate(work: Work): ((at: CommitTime) => void) | undefined {
  const { state, session, transaction, policy } = work;
  if (policy.validation === 'read set') return readSetHolds(work) ? () => {} : undefined;
  if (policy.validation === 'none') return () => {};
  if (isPivot(work) || precedesPivot(work)) return undefined;
  const { snapshot = state.now, reads, wrote, missed } = transaction;
  const readers = state.transactions.filter((other) => other?.missed.sessions.includes(session));
  return (at) => {
    const [missedCommit] = missed.commits;
    state.ended.push({ at, snapshot, reads, wrote, ...(missedCommit !== undefined && { missedCommit }) });
    for (const other of readers) if (other) add(other.missed.commits, at);
    for (const writer of missed.sessions) {
      const other = state.transactions[writer];
      if (other) add(other.missedBy, at);
    }
  };
}

/** Somebody missed this transaction, and it missed one that committed before both. */
function isPivot(work: Work): boolean {
  const { state, session, transaction } = work;
  const first = transaction.missed.commits[0];
  if (first === undefined) return false;
  if (state.transactions.some((other, by) => by !== session && other?.missed.sessions.includes(session))) return true;
  return state.ended.some(
    (reader) =>
      transaction.missedBy.includes(reader.at) && first <= reader.at && (reader.wrote || first <= reader.snapshot),
  );
}

/** It missed a committed pivot whose successor had committed first. */
function precedesPivot(work: Work): boolean {
  const { state, transaction } = work;
  const snapshot = transaction.snapshot ?? state.now;
  return state.ended.some(
    (pivot) =>
      transaction.missed.commits.includes(pivot.at) &&
      pivot.missedCommit !== undefined &&
      (transaction.wrote || pivot.missedCommit <= snapshot),
  );
}

/** Optimistic validation: nothing that was read has changed since the snapshot. */
function readSetHolds(work: Work): boolean {
  const snapshot = work.transaction.snapshot ?? work.state.now;
  if (!work.transaction.wrote) return true;
  return work.transaction.reads.every((read) => {
    const table = tableOf(work, read);
    return work.rows(table).every((row) => {
      const changed = row.versions.filter((version) => version.at > snapshot);
      if (changed.length === 0) return true;
      const before = row.versions.findLast((version) => version.at <= snapshot)?.values ?? null;
      return (
        !covers(work, read, table, before) && !changed.some((version) => covers(work, read, table, version.values))
      );
    });
  });
}

function add(list: (Session | CommitTime)[], item: Session | CommitTime): void {
  if (list.includes(item)) return;
  list.push(item);
  list.sort((a, b) => a - b);
}
