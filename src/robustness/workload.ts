import { add, addAll, type Bits, emptyBits } from './bits.ts';

/**
 * Isolation of a transaction: READ COMMITTED (a snapshot for each statement), snapshot isolation, serializable
 * snapshot isolation (PostgreSQL), or `S`: isolated from all others whatever they run at (two-phase locking,
 * validation of reads, serial execution).
 */
export type Isolation = 'RC' | 'SI' | 'SSI' | 'S';

/** Row locks, as PostgreSQL's `FOR KEY SHARE`, `FOR SHARE`, `FOR NO KEY UPDATE` and `FOR UPDATE`. */
export type RowLock = 'key share' | 'share' | 'no key update' | 'update';

/** What one statement does with one row. */
export interface Access {
  readonly row: string;
  /** Columns that are read. */
  readonly reads?: readonly string[];
  /** Columns that are written. A write locks the row: `no key update`, or `update` where `lock` says so. */
  readonly writes?: readonly string[];
  readonly lock?: RowLock;
  /** Creates the row: no two transactions that commit create the same one. */
  readonly creates?: boolean;
}

/** Accesses that nothing can come between. */
export interface Chunk {
  readonly text: string;
  readonly accesses: readonly Access[];
}

/** A transaction: chunks in order. */
export interface Transaction {
  readonly name: string;
  readonly chunks: readonly Chunk[];
}

/** Locks that each lock waits for (PostgreSQL manual, section 13.3.2). */
export const WAITS_FOR: Readonly<Record<RowLock, readonly RowLock[]>> = {
  'key share': ['update'],
  share: ['no key update', 'update'],
  'no key update': ['share', 'no key update', 'update'],
  update: ['key share', 'share', 'no key update', 'update'],
};

/** A chunk with rows and columns as numbers. A cell is one column of one row. */
export interface IndexedChunk {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly locks: readonly IndexedLock[];
}

/** A row lock with the cells of the row that its statement reads and writes. */
export interface IndexedLock {
  readonly row: number;
  readonly lock: RowLock;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** Who reads, writes and locks what, as sets of transactions. */
export interface Index {
  readonly size: number;
  readonly chunks: readonly (readonly IndexedChunk[])[];
  readonly readers: readonly Bits[];
  readonly writers: readonly Bits[];
  /** Transactions that a holder of the lock on the row makes wait. */
  readonly waiters: (row: number, lock: RowLock) => Bits;
  /** Those of them that write the row. */
  readonly waitingWriters: (row: number, lock: RowLock) => Bits;
  /** Transactions that conflict with each transaction. */
  readonly conflicts: readonly Bits[];
  /** Transactions that create a row that this one creates too. */
  readonly rivals: readonly Bits[];
  readonly cell: (number: number) => { readonly row: string; readonly column: string };
}

/** Numbers rows and cells, and computes who conflicts with whom. */
export function index(transactions: readonly Transaction[]): Index {
  const size = transactions.length;
  const cells = new Numbers();
  const rows = new Numbers();
  const names: { row: string; column: string }[] = [];
  const cellOf = (row: string, column: string) => {
    const n = cells.of(`${row}\u0000${column}`);
    names[n] ??= { row, column };
    return n;
  };
  const chunks = transactions.map((transaction) =>
    transaction.chunks.map((chunk) => ({
      reads: chunk.accesses.flatMap((a) => (a.reads ?? []).map((column) => cellOf(a.row, column))),
      writes: chunk.accesses.flatMap((a) => (a.writes ?? []).map((column) => cellOf(a.row, column))),
      locks: chunk.accesses.flatMap((a) => {
        const lock = a.lock ?? (a.writes?.length ? 'no key update' : undefined);
        const own = (columns: readonly string[] | undefined) => (columns ?? []).map((column) => cellOf(a.row, column));
        return lock ? [{ row: rows.of(a.row), lock, reads: own(a.reads), writes: own(a.writes) }] : [];
      }),
    })),
  );
  const sets = (count: number) => Array.from({ length: count }, () => emptyBits(size));
  const readers = sets(cells.count);
  const writers = sets(cells.count);
  const holders = byLock(() => sets(rows.count));
  const updaters = byLock(() => sets(rows.count));
  const creators = new Map<string, Bits>();
  transactions.forEach((transaction, t) => {
    for (const chunk of chunks[t] ?? []) {
      for (const cell of chunk.reads) add(readers[cell] as Bits, t);
      for (const cell of chunk.writes) add(writers[cell] as Bits, t);
      for (const { row, lock } of chunk.locks) add(holders[lock][row] as Bits, t);
    }
    for (const access of transaction.chunks.flatMap((chunk) => chunk.accesses)) {
      if (access.writes?.length) add(updaters[access.lock ?? 'no key update'][rows.of(access.row)] as Bits, t);
      if (!access.creates) continue;
      if (!creators.has(access.row)) creators.set(access.row, emptyBits(size));
      add(creators.get(access.row) as Bits, t);
    }
  });
  const waiting = (of: Readonly<Record<RowLock, readonly Bits[]>>) => {
    const known = new Map<string, Bits>();
    return (row: number, lock: RowLock) => {
      const key = `${row} ${lock}`;
      const set = known.get(key) ?? emptyBits(size);
      if (!known.has(key)) for (const other of WAITS_FOR[lock]) addAll(set, of[other][row]);
      known.set(key, set);
      return set;
    };
  };
  const conflicts = chunks.map((own) => {
    const set = emptyBits(size);
    for (const chunk of own) {
      for (const cell of chunk.reads) addAll(set, writers[cell]);
      for (const cell of chunk.writes) {
        addAll(set, writers[cell]);
        addAll(set, readers[cell]);
      }
    }
    return set;
  });
  const rivals = transactions.map((transaction) => {
    const set = emptyBits(size);
    for (const access of transaction.chunks.flatMap((chunk) => chunk.accesses)) {
      if (access.creates) addAll(set, creators.get(access.row));
    }
    return set;
  });
  return {
    size,
    chunks,
    readers,
    writers,
    waiters: waiting(holders),
    waitingWriters: waiting(updaters),
    conflicts,
    rivals,
    cell: (n) => names[n] ?? { row: '', column: '' },
  };
}

const byLock = <T>(make: () => T): Record<RowLock, T> => ({
  'key share': make(),
  share: make(),
  'no key update': make(),
  update: make(),
});

class Numbers {
  readonly #known = new Map<string, number>();

  of(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#known.set(name, this.#known.size);
    return this.#known.size - 1;
  }

  get count(): number {
    return this.#known.size;
  }
}
