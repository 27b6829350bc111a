/** Gives each distinct plain-data state a small number, so that the search works on vectors of numbers. */
export class Interner {
  readonly #numbers = new Map<string, number>();
  readonly #states: unknown[] = [];

  /** Number of a state; equal states (as JSON) have equal numbers. */
  add(state: unknown): number {
    const text = JSON.stringify(state);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#states.length;
    this.#numbers.set(text, number);
    this.#states.push(state);
    return number;
  }

  get(number: number): unknown {
    return this.#states[number];
  }
}

/** A set of vectors of equal width, stored side by side; a vector's index is its order of arrival. */
export class VectorSet {
  readonly #width: number;
  #vectors: Int32Array;
  /** Hash of each vector, so that growing and most comparisons need not read vectors. */
  #hashes: Int32Array;
  #slots: Int32Array;
  size = 0;

  constructor(width: number) {
    this.#width = width;
    this.#vectors = new Int32Array(width * 1024);
    this.#hashes = new Int32Array(1024);
    this.#slots = new Int32Array(4096).fill(-1);
  }

  /** Copies the vector at `index` into `target`. */
  read(index: number, target: Int32Array): void {
    const from = index * this.#width;
    for (let i = 0; i < this.#width; i++) target[i] = this.#vectors[from + i] as number;
  }

  /** Index of a vector; it is added where it is new (`index === size` before the call). */
  add(vector: Int32Array): number {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hash(vector);
    let slot = hash & mask;
    for (let index = slots[slot] as number; index >= 0; index = slots[slot] as number) {
      if (this.#hashes[index] === hash && this.#equals(index, vector)) return index;
      slot = (slot + 1) & mask;
    }
    if (this.size >= this.#hashes.length) {
      this.#hashes = doubled(this.#hashes);
      this.#vectors = doubled(this.#vectors);
    }
    this.#vectors.set(vector, this.size * this.#width);
    this.#hashes[this.size] = hash;
    slots[slot] = this.size;
    return this.size++;
  }

  /** FNV-1a over the numbers, mixed at the end (as in MurmurHash3) because the low bits choose the slot. */
  #hash(vector: Int32Array): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#width; i++) hash = Math.imul(hash ^ (vector[i] as number), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #equals(index: number, vector: Int32Array): boolean {
    const from = index * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#vectors[from + i] !== vector[i]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < this.size; index++) {
      let slot = (this.#hashes[index] as number) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
  }
}

/** A copy with room for twice as many numbers. */
export function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
