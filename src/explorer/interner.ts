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
  #slots: Int32Array;
  size = 0;

  constructor(width: number) {
    this.#width = width;
    this.#vectors = new Int32Array(width * 1024);
    this.#slots = new Int32Array(2048).fill(-1);
  }

  /** Copies the vector at `index` into `target`. */
  read(index: number, target: Int32Array): void {
    const from = index * this.#width;
    for (let i = 0; i < this.#width; i++) target[i] = this.#vectors[from + i] as number;
  }

  /** Index of a vector; it is added where it is new (`index === size` before the call). */
  add(vector: Int32Array): number {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    let slot = this.#hash(vector) & (this.#slots.length - 1);
    for (;;) {
      const index = this.#slots[slot] as number;
      if (index < 0) break;
      if (this.#equals(index, vector)) return index;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    if ((this.size + 1) * this.#width > this.#vectors.length) {
      const larger = new Int32Array(this.#vectors.length * 2);
      larger.set(this.#vectors);
      this.#vectors = larger;
    }
    this.#vectors.set(vector, this.size * this.#width);
    this.#slots[slot] = this.size;
    return this.size++;
  }

  #hash(vector: Int32Array): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#width; i++) hash = Math.imul(hash ^ (vector[i] as number), 0x01000193) ^ (hash >>> 15);
    return hash >>> 0;
  }

  #equals(index: number, vector: Int32Array): boolean {
    const from = index * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#vectors[from + i] !== vector[i]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const vector = new Int32Array(this.#width);
    for (let index = 0; index < this.size; index++) {
      this.read(index, vector);
      let slot = this.#hash(vector) & (slots.length - 1);
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = index;
    }
    this.#slots = slots;
  }
}
