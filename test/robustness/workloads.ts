import type { Access, Chunk, Isolation, Transaction } from '../../src/robustness/workload.ts';

/** Chooses a whole number below `n`. */
export type Choose = (n: number) => number;

/** What random workloads may contain. */
export interface Shape {
  readonly transactions: readonly [number, number];
  readonly chunks: number;
  readonly accesses: number;
  readonly rows: number;
  readonly columns: number;
  /** One in so many accesses is an explicit lock; 0: none. */
  readonly locks: number;
}

/** Makes a small workload with random levels. */
export function randomWorkload(shape: Shape, choose: Choose): { transactions: Transaction[]; levels: Isolation[] } {
  const [low, high] = shape.transactions;
  const count = low + choose(high - low + 1);
  const transactions = Array.from({ length: count }, (_, t): Transaction => {
    const chunks = Array.from(
      { length: 1 + choose(shape.chunks) },
      (): Chunk => ({
        text: '',
        accesses: Array.from({ length: 1 + choose(shape.accesses) }, () => access(shape, choose)),
      }),
    );
    return { name: `T${t + 1}`, chunks };
  });
  const levels = transactions.map(() => (['RC', 'SI', 'SSI'] as const)[choose(3)] as Isolation);
  return { transactions, levels };
}

function access(shape: Shape, choose: Choose): Access {
  const row = `r${choose(shape.rows)}`;
  const column = `c${choose(shape.columns)}`;
  if (shape.locks > 0 && choose(shape.locks) === 0) {
    const lock = (['update', 'share', 'no key update'] as const)[choose(3)] ?? 'update';
    return { row, ...(choose(2) === 0 && { reads: [column] }), lock };
  }
  const kind = choose(3);
  if (kind === 0) return { row, reads: [column] };
  if (kind === 1) return { row, writes: [column] };
  return { row, reads: [column], writes: [column] };
}

/** Kinds of workloads whose schedules can be enumerated. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  'one column': { transactions: [2, 3], chunks: 2, accesses: 1, rows: 3, columns: 1, locks: 0 },
  'larger chunks': { transactions: [2, 3], chunks: 2, accesses: 2, rows: 3, columns: 1, locks: 0 },
  'two long': { transactions: [2, 2], chunks: 4, accesses: 2, rows: 3, columns: 2, locks: 0 },
  'two columns': { transactions: [2, 3], chunks: 2, accesses: 2, rows: 2, columns: 2, locks: 0 },
  locks: { transactions: [2, 3], chunks: 2, accesses: 1, rows: 2, columns: 1, locks: 3 },
  'locks, two long': { transactions: [2, 2], chunks: 3, accesses: 2, rows: 2, columns: 2, locks: 3 },
  'locks, columns': { transactions: [3, 3], chunks: 2, accesses: 2, rows: 2, columns: 2, locks: 3 },
  'locks, three long': { transactions: [3, 3], chunks: 3, accesses: 1, rows: 3, columns: 1, locks: 2 },
  four: { transactions: [4, 4], chunks: 2, accesses: 1, rows: 2, columns: 2, locks: 4 },
};
