import { Interner, VectorSet } from './interner.ts';
import { hasEnded, type Label, type Local, start } from './local.ts';
import { moves } from './process.ts';
import type { Program } from './program.ts';

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
  /** The database, then the services. */
  readonly components: readonly unknown[];
  readonly locals: readonly Local[];
}

/** What a visitor says about a situation: go on, or stop because this is what was looked for. */
export type Verdict = 'go on' | 'stop';

/** How a search ended. */
export interface SearchResult {
  readonly states: number;
  /** Whether everything within the fault budget was seen. */
  readonly exhausted: boolean;
  /** Why not, where it was not. */
  readonly stopped?: 'found' | 'states' | 'time' | 'cancelled';
}

/** Called once for each situation, by fewest faults and then fewest switches between requests. */
export type Visitor = (
  world: World,
  info: { readonly index: number; readonly final: boolean; readonly faults: number },
) => Verdict;

/** Bits for the number of a component's state in a key of the memo. */
const COMPONENT_BITS = 2 ** 26;
const SWITCHES_PER_FAULT = 1000;

interface Transition {
  readonly process: number;
  readonly component: number;
  readonly nextComponent: number;
  readonly nextLocal: number;
  readonly fault: 0 | 1;
  readonly label: Label;
}

/**
 * Explores every interleaving of a program's requests, with faults up to a budget.
 *
 * A situation is a vector of numbers: the state of each component and of each request, the faults so far, and who
 * moved last. A request touches one component at a time, so what it can do depends on two of the numbers only and is
 * computed once for each such pair.
 */
export class Search {
  readonly #program: Program;
  readonly #components: Interner[];
  readonly #locals: Interner[];
  readonly #memo: Map<number, Transition[]>[];
  readonly #vectors: VectorSet;
  readonly #width: number;
  #parents: { from: number; transition: Transition | undefined }[] = [];
  readonly #serial: boolean;

  /** @param serial only executions in which each request ends before the next begins, without faults. */
  constructor(program: Program, serial = false) {
    this.#program = program;
    this.#serial = serial;
    const processes = program.processes.length;
    this.#components = Array.from({ length: program.components.length + 1 }, () => new Interner());
    this.#locals = program.processes.map(() => new Interner());
    this.#memo = program.processes.map(() => new Map());
    this.#width = this.#components.length + processes + 2;
    this.#vectors = new VectorSet(this.#width);
  }

  async run(limits: Limits, visit: Visitor): Promise<SearchResult> {
    const { components, processes, initial } = this.#program;
    const [firstLocal, faultsAt, lastAt] = [this.#components.length, this.#width - 2, this.#width - 1];
    const vector = new Int32Array(this.#width);
    vector[0] = (this.#components[0] as Interner).add(initial);
    components.forEach((component, i) => {
      vector[i + 1] = (this.#components[i + 1] as Interner).add(component.initial);
    });
    processes.forEach((_, i) => {
      vector[firstLocal + i] = (this.#locals[i] as Interner).add(start(this.#program, i));
    });
    vector[lastAt] = -1;
    const first = this.#vectors.add(vector);
    this.#parents[first] = { from: -1, transition: undefined };
    const cost: number[] = [0];
    const queues: number[][] = [[first]];
    const seen = new Uint8ArrayGrowing();
    const deadline = performance.now() + limits.milliseconds;
    let visited = 0;
    for (let level = 0; level < queues.length; level++) {
      const queue = queues[level];
      if (!queue) continue;
      for (let at = 0; at < queue.length; at++) {
        const index = queue[at] as number;
        if (seen.get(index) || cost[index] !== level) continue;
        seen.set(index);
        visited++;
        if ((visited & 1023) === 0) {
          limits.progress?.(visited);
          await new Promise<void>((resolve) => setImmediate(resolve));
          if (limits.signal?.aborted) return { states: visited, exhausted: false, stopped: 'cancelled' };
          if (performance.now() > deadline) return { states: visited, exhausted: false, stopped: 'time' };
        }
        if (visited > limits.states) return { states: visited, exhausted: false, stopped: 'states' };
        this.#vectors.read(index, vector);
        const faults = vector[faultsAt] as number;
        const last: number = vector[lastAt] as number;
        let final = true;
        for (let process = 0; process <= processes.length; process++) {
          const environment = process === processes.length;
          if (
            this.#serial &&
            last >= 0 &&
            last !== process &&
            !environment &&
            !this.#ended(last, vector[firstLocal + last] as number)
          )
            continue;
          for (const transition of environment ? this.#events(vector) : this.#transitions(process, vector)) {
            if (!transition.fault) final = false;
            if (faults + transition.fault > limits.faults || (this.#serial && transition.fault)) continue;
            const at = firstLocal + process;
            const before = { component: vector[transition.component] as number, local: vector[at] as number };
            vector[transition.component] = transition.nextComponent;
            if (!environment) {
              vector[at] = transition.nextLocal;
              vector[lastAt] = process;
            }
            vector[faultsAt] = faults + transition.fault;
            const known = this.#vectors.size;
            const next = this.#vectors.add(vector);
            const price = level + (transition.fault ? SWITCHES_PER_FAULT : 0) + (last === process || last < 0 ? 0 : 1);
            if (next === known || price < (cost[next] as number)) {
              cost[next] = price;
              this.#parents[next] = { from: index, transition };
              queues[price] ??= [];
              (queues[price] as number[]).push(next);
            }
            vector[transition.component] = before.component;
            if (!environment) vector[at] = before.local;
            vector[faultsAt] = faults;
            vector[lastAt] = last;
          }
        }
        if (visit(this.world(index), { index, final, faults }) === 'stop')
          return { states: visited, exhausted: false, stopped: 'found' };
      }
      queues[level] = [];
    }
    return { states: visited, exhausted: true };
  }

  /** The situation with this index. */
  world(index: number): World {
    const vector = new Int32Array(this.#width);
    this.#vectors.read(index, vector);
    const components = this.#components.map((interner, i) => interner.get(vector[i] as number));
    const locals = this.#locals.map(
      (interner, i) => interner.get(vector[this.#components.length + i] as number) as Local,
    );
    return { components, locals };
  }

  /** The steps that lead to a situation, in order. */
  path(index: number): { label: Label; fault: boolean }[] {
    const steps: { label: Label; fault: boolean }[] = [];
    for (let at = index; ; ) {
      const parent = this.#parents[at];
      if (!parent?.transition) return steps.reverse();
      // A component that notices a crash says nothing of interest.
      if (parent.transition.label.text !== '')
        steps.push({ label: parent.transition.label, fault: parent.transition.fault === 1 });
      at = parent.from;
    }
  }

  #ended(process: number, local: number): boolean {
    return hasEnded((this.#locals[process] as Interner).get(local) as Local);
  }

  /** What components do by themselves: evictions, leases that end, copies that converge. */
  #events(vector: Int32Array): Transition[] {
    return this.#program.components.flatMap((component, i) => {
      const at = i + 1;
      const number = vector[at] as number;
      const memo = this.#eventMemo[at] ?? new Map<number, Transition[]>();
      this.#eventMemo[at] = memo;
      let known = memo.get(number);
      if (!known) {
        const states = this.#components[at] as Interner;
        known = (component.events?.(states.get(number)) ?? []).map((event) => ({
          process: -1,
          component: at,
          nextComponent: states.add(event.state),
          nextLocal: -1,
          fault: event.fault ? 1 : 0,
          label: { process: -1, kind: event.fault ? 'fault' : 'event', text: event.says, effect: '' },
        }));
        memo.set(number, known);
      }
      return known;
    });
  }

  #transitions(process: number, vector: Int32Array): readonly Transition[] {
    const localNumber = vector[this.#components.length + process] as number;
    const interner = this.#locals[process] as Interner;
    const local = interner.get(localNumber) as Local;
    const all: Transition[] = [];
    // All components that the request may touch from here; usually one, two where a fault touches the database.
    const possible = this.#movesOf(process, localNumber, local);
    possible.forEach((move, moveIndex) => {
      const componentNumber = vector[move.component] as number;
      const memo = this.#memo[process] as Map<number, Transition[]>;
      const key = (localNumber * 8 + moveIndex) * COMPONENT_BITS + componentNumber;
      let known = memo.get(key);
      if (!known) {
        const states = this.#components[move.component] as Interner;
        known = move.perform(states.get(componentNumber)).map((effect) => ({
          process,
          component: move.component,
          nextComponent: states.add(effect.state),
          nextLocal: interner.add(effect.local),
          fault: effect.fault ? 1 : 0,
          label: effect.label,
        }));
        memo.set(key, known);
      }
      for (const transition of known) all.push(transition);
    });
    return all;
  }

  readonly #eventMemo: Map<number, Transition[]>[] = [];
  readonly #moveLists: Map<number, ReturnType<typeof moves>>[] = [];

  #movesOf(process: number, number: number, local: Local): ReturnType<typeof moves> {
    const lists = this.#moveLists[process] ?? new Map<number, ReturnType<typeof moves>>();
    this.#moveLists[process] = lists;
    let list = lists.get(number);
    if (!list) {
      list = moves(this.#program, process, local);
      lists.set(number, list);
    }
    return list;
  }
}

/** Flags by index, in an array that grows. */
class Uint8ArrayGrowing {
  #flags = new Uint8Array(1024);
  get(index: number): boolean {
    return this.#flags[index] === 1;
  }
  set(index: number): void {
    if (index >= this.#flags.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#flags.length * 2));
      larger.set(this.#flags);
      this.#flags = larger;
    }
    this.#flags[index] = 1;
  }
}
