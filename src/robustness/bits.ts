/** A set of small whole numbers as 32-bit words. All sets of one workload have the same width. */
export type Bits = Uint32Array;

/** An empty set for numbers below `size`. */
export const emptyBits = (size: number): Bits => new Uint32Array((size + 31) >>> 5);

export const has = (set: Bits, n: number): boolean => (((set[n >>> 5] ?? 0) >>> (n & 31)) & 1) === 1;

export function add(set: Bits, n: number): void {
  set[n >>> 5] = (set[n >>> 5] ?? 0) | (1 << (n & 31));
}

export function remove(set: Bits, n: number): void {
  set[n >>> 5] = (set[n >>> 5] ?? 0) & ~(1 << (n & 31));
}

/** Adds all of `other` to `set`. */
export function addAll(set: Bits, other: Bits | undefined): void {
  if (other) for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) | (other[i] ?? 0);
}

/** Members of both. */
export function both(a: Bits, b: Bits): Bits {
  const result = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] ?? 0) & (b[i] ?? 0);
  return result;
}

/** Members of `a` that are not in `b`. */
export function without(a: Bits, b: Bits): Bits {
  const result = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] ?? 0) & ~(b[i] ?? 0);
  return result;
}

export function meets(a: Bits, b: Bits): boolean {
  for (let i = 0; i < a.length; i++) if (((a[i] ?? 0) & (b[i] ?? 0)) !== 0) return true;
  return false;
}

export const isEmpty = (set: Bits): boolean => set.every((word) => word === 0);

/** Members in ascending order. */
export function members(set: Bits): number[] {
  const result: number[] = [];
  for (let i = 0; i < set.length; i++) {
    for (let word = set[i] ?? 0; word !== 0; word &= word - 1) {
      result.push(i * 32 + 31 - Math.clz32(word & -word));
    }
  }
  return result;
}
