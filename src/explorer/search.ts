import { doubled, VectorSet } from './interner.ts';
import { hasEnded, type Label, type Local } from './local.ts';
import type { Program } from './program.ts';
import { type Transition, Transitions } from './transitions.ts';

/** Limits of one search; reaching one ends it with what was seen so far. */
export interface Limits {
  readonly states: number;
  readonly milliseconds: number;
  readonly faults: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((states: number) => void) | undefined;
}

/** A situation of the whole design. */
export interface World {
  /** The database, then the other components. */
  readonly components: readonly unknown[];
  readonly locals: readonly Local[];
}

/** How a search ended. */
export interface SearchResult {
  readonly states: number;
  /** Whether everything within the fault budget was seen. */
  readonly exhausted: boolean;
  /** Why not, where it was not. */
  readonly stopped?: 'states' | 'time' | 'cancelled';
}

/**
 * Called once for each situation, by fewest faults and then fewest switches between requests.
 *
 * @param index names the situation for `world` and `path`.
 * @param final nothing more happens without a fault.
 */
export type Visitor = (index: number, final: boolean, faults: number) => void;

const SWITCHES_PER_FAULT = 1000;
/** Situations between two looks at the clock and the event loop. */
const BREATH = 8192;

/**
 * Explores every interleaving of a program's requests, with faults up to a budget.
 *
 * A situation is a vector of numbers: the state of each component and of each request, the faults so far, and who
 * moved last (so that the first counterexample has the fewest switches).
 */
export class Search {
  readonly #program: Program;
  readonly #transitions: Transitions;
  readonly #vectors: VectorSet;
  readonly #firstLocal: number;
  readonly #width: number;
  readonly #serial: boolean;
  /** By situation: where it was reached from, by which step, at which price. */
  #parents = new Int32Array(1024);
  #costs = new Int32Array(1024);
  readonly #steps: (Transition | undefined)[] = [];
  readonly #queues: (number[] | undefined)[] = [];

  /** @param serial only executions in which each request ends before the next begins, without faults. */
  constructor(program: Program, serial = false) {
    this.#program = program;
    this.#serial = serial;
    this.#transitions = new Transitions(program);
    this.#firstLocal = program.components.length + 1;
    this.#width = this.#firstLocal + program.processes.length + 2;
    this.#vectors = new VectorSet(this.#width);
  }

  async run(limits: Limits, visit: Visitor): Promise<SearchResult> {
    const vector = new Int32Array(this.#width);
    const { components, locals } = this.#transitions.first();
    vector.set([...components, ...locals, 0, -1]);
    this.#reach(vector, -1, undefined, 0);
    const done = new Flags();
    const deadline = performance.now() + limits.milliseconds;
    let visited = 0;
    for (let level = 0; level < this.#queues.length; level++) {
      const queue = this.#queues[level];
      if (!queue) continue;
      for (let at = 0; at < queue.length; at++) {
        const index = queue[at] as number;
        if (this.#costs[index] !== level || done.has(index)) continue;
        done.add(index);
        if (++visited % BREATH === 0) {
          limits.progress?.(visited);
          await new Promise<void>((resolve) => setImmediate(resolve));
          if (performance.now() > deadline) return { states: visited, exhausted: false, stopped: 'time' };
        }
        if (limits.signal?.aborted) return { states: visited, exhausted: false, stopped: 'cancelled' };
        if (visited > limits.states) return { states: visited, exhausted: false, stopped: 'states' };
        this.#vectors.read(index, vector);
        const faults = vector[this.#width - 2] as number;
        const final = this.#expand(index, vector, level, limits.faults);
        visit(index, final, faults);
      }
      this.#queues[level] = undefined;
    }
    return { states: visited, exhausted: true };
  }

  /** Reaches all successors of a situation; tells whether nothing more happens without a fault. */
  #expand(index: number, vector: Int32Array, level: number, budget: number): boolean {
    const transitions = this.#transitions;
    const { length } = this.#program.processes;
    const first = this.#firstLocal;
    const last = vector[this.#width - 1] as number;
    const only = this.#serial && last >= 0 && !this.#hasEnded(last, vector[first + last] as number) ? last : -1;
    let final = true;
    for (let process = 0; process < length; process++) {
      if (only >= 0 && process !== only) continue;
      const known = transitions.movesOf(process, vector[first + process] as number);
      for (let m = 0; m < known.length; m++) {
        const move = known[m] as (typeof known)[number];
        const list = transitions.from(move, process, vector[move.move.component] as number);
        for (let t = 0; t < list.length; t++) {
          const transition = list[t] as Transition;
          if (transition.fault === 0) final = false;
          this.#follow(index, vector, level, budget, transition, process, last === process || last < 0);
        }
      }
    }
    for (let component = 1; component < first; component++) {
      const list = transitions.events(component, vector[component] as number);
      for (let t = 0; t < list.length; t++) {
        const transition = list[t] as Transition;
        if (transition.fault === 0) final = false;
        this.#follow(index, vector, level, budget, transition, -1, false);
      }
    }
    return final;
  }

  #follow(
    index: number,
    vector: Int32Array,
    level: number,
    budget: number,
    transition: Transition,
    process: number,
    goesOn: boolean,
  ): void {
    const { component, nextComponent, nextLocal, fault } = transition;
    const faultsAt = this.#width - 2;
    const faults = vector[faultsAt] as number;
    if (fault === 1 && (faults >= budget || this.#serial)) return;
    const local = this.#firstLocal + process;
    const oldComponent = vector[component] as number;
    const oldLocal = vector[local] as number;
    const oldLast = vector[faultsAt + 1] as number;
    vector[component] = nextComponent;
    if (process >= 0) {
      vector[local] = nextLocal;
      vector[faultsAt + 1] = process;
    }
    vector[faultsAt] = faults + fault;
    this.#reach(vector, index, transition, level + (fault === 1 ? SWITCHES_PER_FAULT : 0) + (goesOn ? 0 : 1));
    vector[component] = oldComponent;
    if (process >= 0) vector[local] = oldLocal;
    vector[faultsAt] = faults;
    vector[faultsAt + 1] = oldLast;
  }

  #reach(vector: Int32Array, parent: number, step: Transition | undefined, price: number): void {
    const known = this.#vectors.size;
    const index = this.#vectors.add(vector);
    if (index !== known && price >= (this.#costs[index] as number)) return;
    if (index >= this.#costs.length) {
      this.#costs = doubled(this.#costs);
      this.#parents = doubled(this.#parents);
    }
    this.#costs[index] = price;
    this.#parents[index] = parent;
    this.#steps[index] = step;
    const queue = this.#queues[price];
    if (queue) queue.push(index);
    else {
      // Holes would make the list of queues slow.
      while (this.#queues.length < price) this.#queues.push(undefined);
      this.#queues[price] = [index];
    }
  }

  /** The situation with this index. */
  world(index: number): World {
    const vector = new Int32Array(this.#width);
    this.#vectors.read(index, vector);
    const { components, locals } = this.#transitions;
    return {
      components: components.map((states, i) => states.get(vector[i] as number)),
      locals: locals.map((states, i) => states.get(vector[this.#firstLocal + i] as number) as Local),
    };
  }

  /** The steps that lead to a situation, in order. */
  path(index: number): { label: Label; fault: boolean }[] {
    const steps: { label: Label; fault: boolean }[] = [];
    for (let at = index; at >= 0; at = this.#parents[at] as number) {
      const step = this.#steps[at];
      // A component that notices a crash says nothing of interest.
      if (step && step.label.text !== '') steps.push({ label: step.label, fault: step.fault === 1 });
    }
    // The commit of a statement that commits alone is a line of its own only where something came between.
    return steps
      .reverse()
      .filter(({ label }, i, all) => label.kind !== 'autocommit' || all[i - 1]?.label.process !== label.process);
  }

  #hasEnded(process: number, local: number): boolean {
    return hasEnded(this.#transitions.locals[process]?.get(local) as Local);
  }
}

/** A set of small numbers. */
class Flags {
  #flags = new Uint8Array(1024);
  has(index: number): boolean {
    return this.#flags[index] === 1;
  }
  add(index: number): void {
    if (index >= this.#flags.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#flags.length * 2));
      larger.set(this.#flags);
      this.#flags = larger;
    }
    this.#flags[index] = 1;
  }
}
