import { same, type Value } from '../../sql/values.ts';
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
  if ('scan' in read) {
    const scan = work.context.scans[read.scan];
    const columns = scan?.key?.columns ?? (scan?.among ? [scan.among.column] : []);
    if (read.at && !columns.every((column, i) => same(image[column] ?? null, read.at?.[i] ?? null))) return false;
    return scan?.matches(image, { parameters: read.parameters, now: 0 }) ?? false;
  }
  const value = work.context.rules[table]?.keys[read.key]?.value(image);
  return value?.every((part, i) => same(part, read.value[i] ?? null)) ?? false;
}

function tableOf(work: Work, read: Read): number {
  if (!('scan' in read)) return read.table;
  const table = work.context.scans[read.scan]?.table;
  return table ? work.tableIndex(table) : -1;
}

/** Whether two reads are of the same thing. */
function sameRead(a: Read, b: Read): boolean {
  if ('scan' in a) {
    return 'scan' in b && a.scan === b.scan && sameList(a.parameters, b.parameters) && sameList(a.at ?? [], b.at ?? []);
  }
  return !('scan' in b) && a.table === b.table && a.key === b.key && sameList(a.value, b.value);
}

const sameList = (a: readonly Value[], b: readonly Value[]) =>
  a === b || (a.length === b.length && a.every((value, i) => same(value, b[i] ?? null)));

/** Remembers a read, and the concurrent writers that it missed. */
export function recordRead(work: Work, read: Read): void {
  const { transaction, policy, state } = work;
  if (policy.validation === 'none') return;
  if (!transaction.reads.some((known) => sameRead(known, read))) transaction.reads = [...transaction.reads, read];
  if (policy.validation !== 'dangerous structures') return;
  const table = tableOf(work, read);
  const snapshot = transaction.snapshot ?? state.now;
  for (const row of work.rows(table)) {
    const draft = row.draft;
    const newer = (row.versions.at(-1)?.at ?? -1) > snapshot;
    if (!newer && (!draft || draft.by === work.session)) continue;
    const before = row.versions.findLast((version) => version.at <= snapshot)?.values ?? null;
    const touched = (after: Image) => covers(work, read, table, before) || covers(work, read, table, after);
    for (const version of row.versions) {
      const writer = version.at > snapshot && state.ended.some((ended) => ended.at === version.at);
      if (writer && touched(version.values)) miss(work, work.session, undefined, version.at);
    }
    if (draft && draft.by !== work.session && tracked(state.transactions[draft.by]) && touched(draft.values)) {
      miss(work, work.session, draft.by, undefined);
    }
  }
}

/**
 * Remembers that a unique check looked a key up. It sees the newest rows, not the snapshot: where the key was taken
 * or freed after the snapshot, the transaction comes after that commit although its snapshot came before it.
 */
export function recordLookup(work: Work, read: Extract<Read, { key: number }>): void {
  const { transaction, state } = work;
  if (!transaction.reads.some((known) => sameRead(known, read))) transaction.reads = [...transaction.reads, read];
  const snapshot = transaction.snapshot ?? state.now;
  for (const row of work.rows(read.table)) {
    const at = row.versions.at(-1)?.at ?? -1;
    if (at <= snapshot || !row.versions.some((version) => covers(work, read, read.table, version.values))) continue;
    transaction.beyond = Math.max(at, transaction.beyond ?? -1);
  }
}

/** Whether it missed a write of a transaction that committed before one whose effect it has seen. */
function missedBefore({ beyond, missed }: Transaction): boolean {
  return beyond !== undefined && missed.commits.some((at) => at <= beyond);
}

/** Notes that a session missed a write of a running transaction or of one that has committed. */
function miss(work: Work, by: Session, writer: Session | undefined, commit: CommitTime | undefined): void {
  const transaction = work.state.transactions[by];
  if (!transaction) return;
  const { sessions, commits } = transaction.missed;
  const missed = { sessions: add(sessions, writer), commits: add(commits, commit) };
  if (missed.sessions === sessions && missed.commits === commits) return;
  if (by === work.session) work.transaction.missed = missed;
  else work.amend(by, { missed });
}

/** Remembers the concurrent readers that miss this write. */
export function recordWrite(work: Work, table: number, before: Image, after: Image): void {
  const { state, session } = work;
  const transaction = state.transactions[session];
  if (!tracked(transaction)) return;
  const hit = (reads: readonly Read[]) =>
    reads.some((read) => covers(work, read, table, before) || covers(work, read, table, after));
  for (const [by, other] of state.transactions.entries()) {
    if (by !== session && tracked(other) && hit(other.reads)) miss(work, by, session, undefined);
  }
  for (const ended of state.ended) {
    if (ended.at > (transaction.snapshot ?? state.now) && hit(ended.reads)) {
      work.transaction.missedBy = add(work.transaction.missedBy, ended.at);
    }
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
  if (isPivot(work) || precedesPivot(work) || missedBefore(transaction)) return undefined;
  const { snapshot = state.now, reads, wrote, missed } = transaction;
  const readers = state.transactions.flatMap((other, by) => (other?.missed.sessions.includes(session) ? [by] : []));
  return (at) => {
    const [missedCommit] = missed.commits;
    state.ended = [...state.ended, { at, snapshot, reads, wrote, ...(missedCommit !== undefined && { missedCommit }) }];
    for (const reader of readers) miss(work, reader, undefined, at);
    for (const writer of missed.sessions) {
      const other = state.transactions[writer];
      if (other) work.amend(writer, { missedBy: add(other.missedBy, at) });
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

/** A sorted list with one more item; the same list where it has it already. */
function add(list: readonly number[], item: number | undefined): readonly number[] {
  return item === undefined || list.includes(item) ? list : [...list, item].sort((a, b) => a - b);
}
