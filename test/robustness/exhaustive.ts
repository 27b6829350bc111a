import type { SplitSchedule } from '../../src/robustness/concrete.ts';
import type { Isolation, RowLock, Transaction } from '../../src/robustness/workload.ts';

const WAITS: Readonly<Record<RowLock, readonly RowLock[]>> = {
  'key share': ['update'],
  share: ['no key update', 'update'],
  'no key update': ['share', 'no key update', 'update'],
  update: ['key share', 'share', 'no key update', 'update'],
};
const NEVER = 1e9;

interface Step {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly locks: readonly { readonly row: string; readonly lock: RowLock; readonly writes: boolean }[];
  readonly creates: readonly string[];
}

/**
 * An independent judge of schedules, straight from the definitions: which ones the levels allow (locks, snapshots,
 * first updater wins, no dangerous structure) and which have an acyclic serialization graph. A transaction whose first
 * statement locks may take its snapshot earlier, since it may have to wait for the lock.
 */
export class Judge {
  readonly #steps: readonly (readonly Step[])[];
  readonly #levels: readonly Isolation[];
  readonly #readOnly: readonly boolean[];
  /** Time of each chunk that has run, of the snapshot and of the commit. */
  readonly #ran: number[][];
  readonly #snapshot: number[];
  readonly #commit: number[];
  #time = 0;
  /** Schedules that were judged. */
  schedules = 0;

  constructor(transactions: readonly Transaction[], levels: readonly Isolation[]) {
    this.#levels = levels;
    this.#steps = transactions.map((transaction) =>
      transaction.chunks.map(({ accesses }) => ({
        reads: new Set(accesses.flatMap((a) => (a.reads ?? []).map((c) => `${a.row}.${c}`))),
        writes: new Set(accesses.flatMap((a) => (a.writes ?? []).map((c) => `${a.row}.${c}`))),
        locks: accesses.flatMap((a) => {
          const lock = a.lock ?? (a.writes?.length ? ('no key update' as const) : undefined);
          return lock ? [{ row: a.row, lock, writes: (a.writes?.length ?? 0) > 0 }] : [];
        }),
        creates: accesses.flatMap((a) => (a.creates ? [a.row] : [])),
      })),
    );
    this.#readOnly = this.#steps.map((steps) => steps.every((step) => step.writes.size === 0));
    this.#ran = this.#steps.map(() => []);
    this.#snapshot = this.#steps.map(() => NEVER);
    this.#commit = this.#steps.map(() => NEVER);
  }

  /** Whether every complete schedule that is allowed is serializable. */
  robust(): boolean {
    return this.#explore();
  }

  /** Whether the split schedule is allowed and not serializable. */
  confirms({ split, first, chain, pause }: SplitSchedule): boolean {
    const all = (t: number) => this.#steps[t]?.length ?? 0;
    const run = (t: number, from: number, to: number) => {
      for (let c = from; c < to; c++) if (!this.#chunk(t, c)) return false;
      return true;
    };
    const end = (t: number) => {
      this.#commit[t] = this.#time++;
      return true;
    };
    if (this.#levels[split] !== 'RC') this.#snapshot[split] = this.#time++;
    const last = chain.at(-1) as number;
    const begin = (t: number) => {
      if (this.#levels[t] !== 'RC') this.#snapshot[t] = this.#time++;
      return true;
    };
    const whole = pause === undefined ? chain : chain.slice(0, -1);
    return (
      run(split, 0, first) &&
      whole.every((t) => run(t, 0, all(t)) && end(t)) &&
      (pause === undefined || (begin(last) && run(last, 0, pause))) &&
      run(split, first, all(split)) &&
      end(split) &&
      (pause === undefined || (run(last, pause, all(last)) && end(last))) &&
      [...this.#steps.keys()].every((t) => t === split || chain.includes(t) || (run(t, 0, all(t)) && end(t))) &&
      this.#allowedBySsi() &&
      !this.#serializable()
    );
  }

  #explore(): boolean {
    let complete = true;
    for (const [t, steps] of this.#steps.entries()) {
      const done = this.#ran[t]?.length ?? 0;
      if (this.#commit[t] !== NEVER) continue;
      complete = false;
      const time = this.#time++;
      const snapshot = this.#snapshot[t] as number;
      if (done === steps.length) {
        this.#commit[t] = time;
        const fine = this.#explore();
        this.#commit[t] = NEVER;
        if (!fine) return false;
      } else {
        if (snapshot === NEVER && this.#levels[t] !== 'RC' && (steps[0]?.locks.length ?? 0) > 0) {
          this.#snapshot[t] = time;
          const fine = this.#explore();
          this.#snapshot[t] = NEVER;
          if (!fine) return false;
        }
        if (this.#chunk(t, done)) {
          const fine = this.#explore();
          this.#ran[t]?.pop();
          this.#snapshot[t] = snapshot;
          if (!fine) return false;
        }
      }
      this.#time = time;
    }
    if (!complete) return true;
    this.schedules++;
    return this.#serializable() || !this.#allowedBySsi();
  }

  /** Runs a chunk; false where it would wait or fail. */
  #chunk(t: number, c: number): boolean {
    const time = this.#time++;
    const step = this.#steps[t]?.[c] as Step;
    const snapshot = Math.min(this.#snapshot[t] as number, time);
    for (const [other, steps] of this.#steps.entries()) {
      if (other === t) continue;
      const committed = this.#commit[other] as number;
      for (let s = 0; s < (this.#ran[other]?.length ?? 0); s++) {
        for (const held of steps[s]?.locks ?? []) {
          for (const own of step.locks) {
            if (held.row !== own.row || !WAITS[own.lock].includes(held.lock)) continue;
            if (committed === NEVER) return false;
            if (this.#levels[t] !== 'RC' && held.writes && committed > snapshot) return false;
          }
        }
        if (steps[s]?.creates.some((row) => step.creates.includes(row))) return false;
      }
    }
    if (this.#levels[t] !== 'RC') this.#snapshot[t] = snapshot;
    this.#ran[t]?.push(time);
    return true;
  }

  /** The serialization graph: `anti` only, or all dependencies, as [from, to]. */
  #edges(anti: boolean): [number, number][] {
    const edges: [number, number][] = [];
    for (const [t, own] of this.#steps.entries()) {
      for (const [other, steps] of this.#steps.entries()) {
        if (other === t) continue;
        const committed = this.#commit[other] as number;
        for (const [c, step] of own.entries()) {
          const seen = this.#levels[t] === 'RC' ? (this.#ran[t]?.[c] as number) : (this.#snapshot[t] as number);
          for (const { writes } of steps) {
            if (overlap(step.reads, writes)) {
              if (committed > seen) edges.push([t, other]);
              else if (!anti) edges.push([other, t]);
            }
            if (!anti && committed > (this.#commit[t] as number) && overlap(step.writes, writes))
              edges.push([t, other]);
          }
        }
      }
    }
    return edges;
  }

  #serializable(): boolean {
    const edges = this.#edges(false);
    const left = new Set(this.#steps.keys());
    for (;;) {
      const free = [...left].find((t) => !edges.some(([from, to]) => to === t && left.has(from)));
      if (free === undefined) return left.size === 0;
      left.delete(free);
    }
  }

  #allowedBySsi(): boolean {
    const anti = this.#edges(true).filter(([a, b]) => this.#levels[a] === 'SSI' && this.#levels[b] === 'SSI');
    const snapshot = (t: number) => this.#snapshot[t] as number;
    const commit = (t: number) => this.#commit[t] as number;
    const concurrent = (a: number, b: number) => snapshot(a) < commit(b) && snapshot(b) < commit(a);
    return !anti.some(([a, b]) =>
      anti.some(([from, c]) => {
        if (from !== b || !concurrent(a, b) || !concurrent(b, c)) return false;
        if (commit(c) > commit(a) || commit(c) >= commit(b)) return false;
        return !this.#readOnly[a] || commit(c) < snapshot(a);
      }),
    );
  }
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const item of a) if (b.has(item)) return true;
  return false;
}
