import type { CommitTime, DatabaseState, Memory, Row, Transaction, Version } from './state.ts';

/**
 * Forgets what no running transaction can see and renumbers commits, so that histories that lead to the same
 * behaviour become the same state. `state` is a copy that may be changed; rows in it may not.
 */
export function normalise(state: DatabaseState): void {
  const active = state.transactions.filter((transaction): transaction is Transaction => transaction !== null);
  const snapshots: CommitTime[] = [];
  for (const transaction of active) {
    const memory = transaction.wait?.memory;
    for (const at of [transaction.snapshot, memory?.snapshot, memory?.checkAt]) {
      if (at !== undefined && !snapshots.includes(at)) snapshots.push(at);
    }
  }
  const oldest = Math.min(state.now, ...snapshots);
  if (state.ended.length > 0) state.ended = state.ended.filter((ended) => ended.at > oldest);
  state.tables = state.tables.map((rows) => {
    if (rows.every((row) => settled(row))) return rows;
    return rows.flatMap((row) => {
      if (settled(row)) return [row];
      const versions = visibleVersions(row.versions, snapshots);
      const gone = versions.length === 0 || (versions.length === 1 && versions[0]?.values === null);
      if (gone && !row.draft && row.locks.length === 0) return [];
      return versions.length === row.versions.length ? [row] : [{ ...row, versions }];
    });
  });
  renumber(state, active);
}

/** Nothing can be forgotten of a row with one live version. */
const settled = (row: Row) => row.versions.length === 1 && row.versions[0]?.values !== null;

function visibleVersions(versions: readonly Version[], snapshots: readonly CommitTime[]): readonly Version[] {
  const keep = new Set<Version>();
  const newest = versions.at(-1);
  if (newest) keep.add(newest);
  for (const snapshot of snapshots) {
    const seen = versions.findLast((version) => version.at <= snapshot);
    if (seen) keep.add(seen);
    // A writer that compares with its snapshot needs every later writer, for dependencies.
    for (const version of versions) if (version.at > snapshot) keep.add(version);
  }
  return keep.size === versions.length ? versions : versions.filter((version) => keep.has(version));
}

const renumbered = (memory: Memory, to: (at: CommitTime) => CommitTime): Memory => ({
  ...memory,
  snapshot: to(memory.snapshot),
  ...(memory.checkAt !== undefined && { checkAt: to(memory.checkAt) }),
});

function renumber(state: DatabaseState, active: readonly Transaction[]): void {
  const used = new Set<CommitTime>([state.now]);
  for (const rows of state.tables) for (const row of rows) for (const version of row.versions) used.add(version.at);
  for (const transaction of active) {
    if (transaction.snapshot !== undefined) used.add(transaction.snapshot);
    if (transaction.beyond !== undefined) used.add(transaction.beyond);
    const memory = transaction.wait?.memory;
    if (memory) used.add(memory.snapshot);
    if (memory?.checkAt !== undefined) used.add(memory.checkAt);
  }
  for (const ended of state.ended) {
    used.add(ended.at);
    used.add(ended.snapshot);
    if (ended.missedCommit !== undefined) used.add(ended.missedCommit);
  }
  const order = [...used].sort((a, b) => a - b);
  if (order.every((at, i) => at === i)) return;
  const number = new Map(order.map((at, i) => [at, i]));
  const to = (at: CommitTime) => number.get(at) ?? -1;
  const known = (list: readonly CommitTime[]) => list.filter((at) => number.has(at)).map(to);
  state.now = to(state.now);
  state.tables = state.tables.map((rows) =>
    rows.map((row) => ({
      ...row,
      versions: row.versions.map((version) => ({ at: to(version.at), values: version.values })),
    })),
  );
  state.transactions = state.transactions.map((transaction) => {
    if (!transaction) return transaction;
    const { snapshot, beyond, wait, missed, missedBy } = transaction;
    return {
      ...transaction,
      ...(snapshot !== undefined && { snapshot: to(snapshot) }),
      ...(beyond !== undefined && { beyond: to(beyond) }),
      ...(wait?.memory && { wait: { on: wait.on, memory: renumbered(wait.memory, to) } }),
      missedBy: known(missedBy),
      missed: { sessions: missed.sessions, commits: known(missed.commits) },
    };
  });
  state.ended = state.ended.map((ended) => ({
    ...ended,
    at: to(ended.at),
    snapshot: to(ended.snapshot),
    ...(ended.missedCommit !== undefined && { missedCommit: to(ended.missedCommit) }),
  }));
}
