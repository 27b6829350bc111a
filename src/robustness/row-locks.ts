import { add, type Bits, both, emptyBits, has, members } from './bits.ts';
import { type Index, type IndexedChunk, type IndexedLock, type Isolation, WAITS_FOR } from './workload.ts';

/**
 * Row locks that are no dependency (two `FOR UPDATE`, two columns of one row) make the last of the chain wait only
 * when it reaches them: it may read first, or take its snapshot first, and go on when `t` has committed.
 *
 * @param locks of `t` before the split.
 * @param writers only rows that the last one writes count (first updater wins), not its explicit locks.
 * @param readers who reads what `t` writes.
 */
export function pausing(
  { chunks, size }: Index,
  t: number,
  locks: readonly IndexedLock[],
  writers: boolean,
  readers: Bits,
  blocked: Bits,
) {
  const rc = emptyBits(size);
  const snapshot = emptyBits(size);
  const mine = (chunks[t] ?? []).flatMap((chunk) => chunk.locks);
  const written = new Set((chunks[t] ?? []).flatMap((chunk) => chunk.writes));
  for (const other of members(both(readers, blocked))) {
    const theirs = chunks[other] ?? [];
    let depends = false;
    for (const chunk of theirs) {
      for (const lock of chunk.locks) {
        for (const held of locks) {
          if (held.row !== lock.row || !WAITS_FOR[held.lock].includes(lock.lock)) continue;
          if (writers && lock.writes.length === 0) continue;
          depends ||= meet(held.writes, lock.reads) || meet(held.writes, lock.writes) || meet(held.reads, lock.writes);
        }
      }
    }
    if (depends) continue;
    if (theirs.slice(0, firstWait(theirs, mine)).some((chunk) => chunk.reads.some((cell) => written.has(cell))))
      add(rc, other);
    // One that reads from a snapshot fails on a row that `t` wrote meanwhile.
    const updates = mine.filter((own) => own.writes.length > 0);
    if (firstWait(theirs, updates) === theirs.length) add(snapshot, other);
  }
  return { rc, snapshot };
}

/** How many chunks of the last of the chain run before it waits for a lock of `t`; undefined where it need not. */
export function pauseOf(
  { chunks, waiters, waitingWriters }: Index,
  t: number,
  level: Isolation,
  first: number,
  last: number,
): number | undefined {
  const mine = (chunks[t] ?? []).flatMap((chunk) => chunk.locks);
  const held = (chunks[t] ?? []).slice(0, level === 'RC' ? first : undefined).flatMap((chunk) => chunk.locks);
  const waits = held.some(({ row, lock }) => has((level === 'RC' ? waiters : waitingWriters)(row, lock), last));
  return waits ? firstWait(chunks[last] ?? [], mine) : undefined;
}

/** The first chunk that wants a lock that waits for one of these: two transactions that overlap never hold both. */
function firstWait(chunks: readonly IndexedChunk[], locks: readonly IndexedLock[]): number {
  const at = chunks.findIndex((chunk) =>
    chunk.locks.some((lock) => locks.some((held) => held.row === lock.row && WAITS_FOR[held.lock].includes(lock.lock))),
  );
  return at < 0 ? chunks.length : at;
}

/** Under snapshot isolation, the chunk to stop after: as many as hold no lock that the chain waits for. */
export function stopOf({ chunks, waiters, writers }: Index, t: number, chain: readonly number[]): number {
  const own = chunks[t] ?? [];
  const second = chain[0] as number;
  const free = (count: number) =>
    own.slice(0, count).every((chunk) =>
      chunk.locks.every(({ row, lock }) => {
        const waiting = waiters(row, lock);
        return !chain.some((c) => has(waiting, c));
      }),
    );
  for (let c = 0; c < own.length; c++) {
    if (!free(c + 1)) return 0;
    if (own[c]?.reads.some((cell) => has(writers[cell] as Bits, second))) return c + 1;
  }
  return 0;
}

const meet = (a: readonly number[], b: readonly number[]) => a.some((n) => b.includes(n));
