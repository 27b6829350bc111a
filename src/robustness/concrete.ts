import { add, addAll, type Bits, both, emptyBits, has, isEmpty, meets, members, remove, without } from './bits.ts';
import { pauseOf, pausing, stopOf } from './row-locks.ts';
import { type Index, type Isolation, index, type Transaction } from './workload.ts';

/** A schedule that is not serializable: the start of one transaction, the others one after the other, its rest. */
export interface SplitSchedule {
  /** The transaction that is split. */
  readonly split: number;
  /** How many of its chunks run first; 0: only its snapshot is taken. */
  readonly first: number;
  /** The others, in the order in which they run and commit. */
  readonly chain: readonly number[];
  /** Where the last of them waits for a row lock of the split one: how many of its chunks run before that. */
  readonly pause?: number;
}

/** What is asked about a workload. */
export interface Options {
  /** Transactions of one group have the same level; default: each is its own group. */
  readonly groups?: readonly number[];
  /** Each transaction may run a second time beside itself (instances of templates). */
  readonly copies?: boolean;
  /** Transactions that may be split; default: all (with symmetry, one of each class is enough). */
  readonly starts?: readonly number[];
  /** Called now and then; may throw to stop. */
  readonly tick?: () => void;
}

/** A place to split a transaction, with the candidates for the ends of the chain. */
interface Split {
  readonly first: number;
  readonly second: Bits;
  /** Candidates for the end of the chain if they run at RC, and if they read from one snapshot. */
  readonly last: Bits;
  readonly lastOnSnapshot: Bits;
}

/** Levels of all transactions, as sets. */
interface Levels {
  readonly of: readonly Isolation[];
  readonly ssi: Bits;
  readonly snapshot: Bits;
}

/**
 * Robustness of transactions against a mixed allocation of isolation levels: whether every schedule that the levels
 * allow is conflict-serializable. Exact for reads and writes of rows by key (Vandevoort, Ketsman, Neven: Allocating
 * Isolation Levels to Transactions in a Multiversion Setting, PODS 2023, theorem on split schedules). Dependencies are
 * per column, locks and first-updater-wins per row; explicit row locks block and are overwritten as in PostgreSQL.
 */
export class Robustness {
  readonly #index: Index;
  readonly #groups: readonly number[];
  readonly #starts: readonly number[];
  readonly #members: number[][] = [];
  readonly #tick: () => void;
  readonly #copies: boolean;
  readonly #weak = new Map<string, 'yes' | 'no' | 'depends'>();
  readonly #snapshotSplits = new Map<number, Split | undefined>();

  constructor(transactions: readonly Transaction[], options: Options = {}) {
    this.#index = index(transactions);
    this.#groups = options.groups ?? transactions.map((_, t) => t);
    this.#starts = options.starts ?? transactions.map((_, t) => t);
    this.#copies = options.copies ?? false;
    this.#tick = options.tick ?? (() => {});
    for (const t of this.#starts) {
      const group = this.#groups[t] ?? t;
      this.#members[group] ??= [];
      this.#members[group].push(t);
    }
  }

  /** Whether every schedule is serializable when group `g` runs at `levels[g]`. */
  robust(levels: readonly Isolation[]): boolean {
    const given = this.#levels(levels);
    return levels.every((level, group) => !this.#vulnerable(group, level, given));
  }

  /**
   * The lowest levels at which the workload is robust. Without explicit locks the optimum is unique (PODS 2023).
   *
   * @param ladder levels that the engine gives, weakest first.
   * @param floor the level below which a group must not go.
   * @returns undefined when no allocation over the ladder is robust.
   */
  lowest(
    ladder: readonly Isolation[] = ['RC', 'SI', 'SSI'],
    floor: readonly (Isolation | undefined)[] = [],
  ): Isolation[] | undefined {
    const top = ladder.at(-1);
    const groups = Math.max(-1, ...this.#groups) + 1;
    if (!top) return undefined;
    const fixed = (g: number, level: Isolation): Isolation => {
      const least = floor[g];
      return least && ladder.indexOf(level) < ladder.indexOf(least) ? least : level;
    };
    const rank = (levels: readonly Isolation[]) => levels.reduce((sum, level) => sum + ladder.indexOf(level), 0);
    // Explicit locks protect only among transactions at RC, so raising one can break another: lower jointly as well.
    let best: Isolation[] | undefined;
    for (const joint of ladder) {
      const alone = Array.from({ length: groups }, (_, g): Isolation => fixed(g, joint));
      const given = this.#levels(alone);
      const levels = joint === top ? alone : alone.map((level, g) => (this.#vulnerable(g, level, given) ? top : level));
      if (!this.robust(levels)) continue;
      for (let g = 0; g < groups; g++) {
        for (const level of ladder.slice(0, ladder.indexOf(levels[g] as Isolation))) {
          if (fixed(g, level) !== level || !this.robust(levels.with(g, level))) continue;
          levels[g] = level;
          break;
        }
      }
      if (!best || rank(levels) < rank(best)) best = levels;
    }
    return best;
  }

  /** The shortest split schedule that the levels allow, fewest chunks first; undefined when robust. */
  witness(levels: readonly Isolation[]): SplitSchedule | undefined {
    const given = this.#levels(levels);
    const size = (t: number) => this.#index.chunks[t]?.length ?? 0;
    let best: { schedule: SplitSchedule; cost: readonly number[] } | undefined;
    for (const t of this.#starts) {
      const level = levels[this.#groups[t] ?? t] ?? 'S';
      for (const split of this.#splits(t, level)) {
        for (const [second, last] of this.#ends(t, level, split, given)) {
          const chain = this.#chain(t, second, last);
          if (!chain) continue;
          const first = level === 'RC' ? split.first : stopOf(this.#index, t, chain);
          const cost = [chain.length, chain.reduce((sum, c) => sum + size(c), size(t)), first === 0 ? 1 : 0];
          if (best && compare(best.cost, cost) <= 0) continue;
          const pause = pauseOf(this.#index, t, level, first, chain.at(-1) as number);
          best = { schedule: { split: t, first, chain, ...(pause !== undefined && { pause }) }, cost };
        }
      }
    }
    return best?.schedule;
  }

  #levels(of: readonly Isolation[]): Levels {
    const ssi = emptyBits(this.#index.size);
    const snapshot = emptyBits(this.#index.size);
    this.#groups.forEach((group, t) => {
      if (of[group] === 'SSI') add(ssi, t);
      if (of[group] === 'SSI' || of[group] === 'SI') add(snapshot, t);
    });
    return { of, ssi, snapshot };
  }

  #vulnerable(group: number, level: Isolation, levels: Levels): boolean {
    if (level === 'S') return false;
    const key = `${group} ${level === 'RC' ? 'RC' : 'SI'}`;
    let known = this.#weak.get(key);
    if (known === undefined) {
      known = this.#judge(group, level === 'RC' ? 'RC' : 'SI');
      this.#weak.set(key, known);
    }
    if (known === 'no' || (known === 'yes' && level !== 'SSI')) return known === 'yes';
    return (this.#members[group] ?? []).some((t) =>
      this.#splits(t, level).some((split) =>
        this.#ends(t, level, split, levels).some(([second, last]) => this.#connected(t, second, last)),
      ),
    );
  }

  /** Whether the answer is the same whatever the others run at. */
  #judge(group: number, level: 'RC' | 'SI'): 'yes' | 'no' | 'depends' {
    let depends = false;
    for (const t of this.#members[group] ?? []) {
      for (const split of this.#splits(t, level)) {
        if (this.#connected(t, split.second, both(split.last, split.lastOnSnapshot))) return 'yes';
        const either = new Uint32Array(split.last);
        addAll(either, split.lastOnSnapshot);
        depends ||= this.#connected(t, split.second, either);
      }
    }
    return depends ? 'depends' : 'no';
  }

  /** The sets between which a chain makes the split schedule one that the levels allow. */
  #ends(t: number, level: Isolation, split: Split, levels: Levels): [Bits, Bits][] {
    const last = without(split.last, levels.snapshot);
    addAll(last, both(split.lastOnSnapshot, levels.snapshot));
    return level === 'SSI' ? this.#ssiEnds(t, split.second, last, levels.ssi) : [[split.second, last]];
  }

  /** Conditions (6) to (8): what serializable snapshot isolation rules out among transactions that all run at it. */
  #ssiEnds(t: number, from: Bits, to: Bits, ssi: Bits): [Bits, Bits][] {
    const own = this.#index.chunks[t] ?? [];
    const readsFrom = emptyBits(this.#index.size);
    const overwrites = emptyBits(this.#index.size);
    for (const chunk of own) {
      for (const cell of chunk.writes) addAll(readsFrom, this.#index.readers[cell]);
      for (const cell of chunk.reads) addAll(overwrites, this.#index.writers[cell]);
    }
    const second = without(from, both(ssi, readsFrom));
    const last = without(to, both(ssi, overwrites));
    return [
      [without(second, ssi), last],
      [second, without(last, ssi)],
    ];
  }

  /** Places to split `t` at, with the candidates that conditions (2) to (5) leave. */
  #splits(t: number, level: Isolation): Split[] {
    this.#tick();
    if (level === 'S') return [];
    if (level !== 'RC') {
      if (!this.#snapshotSplits.has(t)) this.#snapshotSplits.set(t, this.#snapshotSplit(t));
      const split = this.#snapshotSplits.get(t);
      return split ? [split] : [];
    }
    const { readers, writers, waiters, chunks, size } = this.#index;
    const own = chunks[t] ?? [];
    const readMine = emptyBits(size);
    for (const chunk of own) for (const cell of chunk.writes) addAll(readMine, readers[cell]);
    // From the last chunk to the first: who conflicts with what comes after the split.
    const after = own.map(() => emptyBits(size));
    for (let c = own.length - 2; c >= 0; c--) {
      addAll(after[c] as Bits, after[c + 1]);
      for (const cell of own[c + 1]?.reads ?? []) addAll(after[c] as Bits, writers[cell]);
      for (const cell of own[c + 1]?.writes ?? []) {
        addAll(after[c] as Bits, writers[cell]);
        addAll(after[c] as Bits, readers[cell]);
      }
    }
    const excluded = this.#excluded(t);
    const blocked = emptyBits(size);
    const splits: Split[] = [];
    own.forEach((chunk, c) => {
      for (const { row, lock } of chunk.locks) addAll(blocked, waiters(row, lock));
      const second = emptyBits(size);
      for (const cell of chunk.reads) addAll(second, writers[cell]);
      const last = new Uint32Array(after[c] ?? second);
      addAll(last, readMine);
      const locks = own.slice(0, c + 1).flatMap((prefix) => prefix.locks);
      const ends = pausing(this.#index, t, locks, false, without(readMine, excluded), blocked);
      const split = this.#split(c + 1, second, last, excluded, blocked, ends);
      if (split) splits.push(split);
    });
    return splits;
  }

  /** All reads are from the first snapshot, and no row that `t` writes or locks may be written beside it. */
  #snapshotSplit(t: number): Split | undefined {
    const { readers, writers, waitingWriters, chunks, size } = this.#index;
    const own = chunks[t] ?? [];
    const excluded = this.#excluded(t);
    const blocked = emptyBits(size);
    const second = emptyBits(size);
    const last = emptyBits(size);
    let first = 0;
    own.forEach((chunk, c) => {
      for (const { row, lock } of chunk.locks) addAll(blocked, waitingWriters(row, lock));
      for (const cell of chunk.reads) addAll(second, writers[cell]);
      for (const cell of chunk.writes) addAll(last, readers[cell]);
      if (first === 0 && chunk.reads.length > 0) first = c + 1;
    });
    const locks = own.flatMap((chunk) => chunk.locks);
    const ends = pausing(this.#index, t, locks, true, without(last, excluded), blocked);
    return this.#split(first, second, last, excluded, blocked, ends);
  }

  #split(
    first: number,
    second: Bits,
    last: Bits,
    excluded: Bits,
    blocked: Bits,
    paused: { readonly rc: Bits; readonly snapshot: Bits },
  ): Split | undefined {
    const seconds = without(without(second, excluded), blocked);
    const free = without(without(last, excluded), blocked);
    const onSnapshot = new Uint32Array(free);
    addAll(free, paused.rc);
    addAll(onSnapshot, paused.snapshot);
    if (isEmpty(seconds) || (isEmpty(free) && isEmpty(onSnapshot))) return undefined;
    return { first, second: seconds, last: free, lastOnSnapshot: onSnapshot };
  }

  #excluded(t: number): Bits {
    const set = new Uint32Array(this.#index.rivals[t] ?? emptyBits(this.#index.size));
    if (!this.#copies) add(set, t);
    return set;
  }

  /** Condition (1): transactions that may stand between the ends of the chain. */
  #between(t: number): Bits {
    const { conflicts, rivals, size } = this.#index;
    const set = emptyBits(size);
    for (let other = 0; other < size; other++) add(set, other);
    const used = new Uint32Array(conflicts[t] ?? set);
    addAll(used, rivals[t]);
    if (!this.#copies) add(used, t);
    return without(set, used);
  }

  #connected(t: number, second: Bits, last: Bits): boolean {
    if (isEmpty(second) || isEmpty(last)) return false;
    return this.#chain(t, second, last) !== undefined;
  }

  /** The shortest chain of conflicting transactions from one of `second` to one of `last`, by breadth. */
  #chain(t: number, second: Bits, last: Bits): number[] | undefined {
    const { rivals } = this.#index;
    const single = both(second, last);
    if (!isEmpty(single)) return [this.#smallest(members(single))];
    // Ends that create the same row cannot both commit; those starts are searched alone.
    const starts = members(second);
    const plain = starts.filter((s) => !meets(rivals[s] as Bits, last));
    const found = this.#search(t, plain, last);
    if (found?.length === 2) return found;
    let best = found;
    for (const s of starts) {
      if (!meets(rivals[s] as Bits, last)) continue;
      const chain = this.#search(t, [s], without(last, rivals[s] as Bits));
      if (chain && (!best || chain.length < best.length)) best = chain;
    }
    return best;
  }

  #search(t: number, starts: readonly number[], last: Bits): number[] | undefined {
    const { conflicts, size } = this.#index;
    const unseen = this.#between(t);
    const from = new Map<number, number>();
    const path = (end: number, at: number): number[] => {
      const chain = [end];
      for (let step: number | undefined = at; step !== undefined; step = from.get(step)) chain.unshift(step);
      return chain;
    };
    let layer: readonly number[] = starts;
    while (layer.length > 0) {
      for (const at of layer) {
        const ends = both(conflicts[at] as Bits, last);
        if (!isEmpty(ends)) return path(this.#smallest(members(ends)), at);
      }
      const next: number[] = [];
      const reached = emptyBits(size);
      for (const at of layer) {
        for (const other of members(both(conflicts[at] as Bits, unseen))) {
          if (has(reached, other)) continue;
          add(reached, other);
          remove(unseen, other);
          // A start may also stand in the middle; its own place in a chain is found from itself.
          if (!from.has(other) && !starts.includes(other)) {
            from.set(other, at);
            next.push(other);
          }
        }
      }
      layer = next;
    }
    return undefined;
  }

  #smallest(candidates: readonly number[]): number {
    const size = (t: number) => this.#index.chunks[t]?.length ?? 0;
    return candidates.reduce((best, t) => (size(t) < size(best) ? t : best), candidates[0] as number);
  }

  /** Columns and rows on which two transactions conflict, as `row.column`. */
  conflictsOn(a: number, b: number, kind: 'rw' | 'wr' | 'ww'): string[] {
    const { chunks, cell } = this.#index;
    const cells = (t: number, what: 'r' | 'w') =>
      new Set((chunks[t] ?? []).flatMap((chunk) => (what === 'r' ? chunk.reads : chunk.writes)));
    const right = cells(b, kind[1] as 'r' | 'w');
    return [...cells(a, kind[0] as 'r' | 'w')]
      .filter((n) => right.has(n))
      .map((n) => `${cell(n).row}.${cell(n).column}`);
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
