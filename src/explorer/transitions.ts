import { Interner } from './interner.ts';
import { type Label, type Local, start } from './local.ts';
import { type Move, moves } from './process.ts';
import type { Program } from './program.ts';

/** One step from a situation to the next, in numbers. */
export interface Transition {
  readonly component: number;
  readonly nextComponent: number;
  /** Number of the request's next local state; -1 for what happens by itself. */
  readonly nextLocal: number;
  readonly fault: 0 | 1;
  readonly label: Label;
}

/** A move of one local state, with what it leads to from each state of its component. */
interface KnownMove {
  readonly move: Move;
  readonly from: (readonly Transition[] | undefined)[];
}

const NONE: readonly Transition[] = [];

/**
 * Numbers for the states of components and requests, and the steps between them. A request touches one component at a
 * time, so what it can do depends on two numbers only and is computed once for each such pair.
 */
export class Transitions {
  /** States of the database and the other components. */
  readonly components: readonly Interner[];
  /** Local states, by request. */
  readonly locals: readonly Interner[];
  readonly #program: Program;
  readonly #moves: (KnownMove[] | undefined)[][];
  readonly #events: (readonly Transition[] | undefined)[][];

  constructor(program: Program) {
    this.#program = program;
    this.components = Array.from({ length: program.components.length + 1 }, () => new Interner());
    this.locals = program.processes.map(() => new Interner());
    this.#moves = program.processes.map(() => []);
    this.#events = this.components.map(() => []);
  }

  /** Numbers of the first situation: components, then requests. */
  first(): { components: number[]; locals: number[] } {
    const { initial, components, processes } = this.#program;
    const states = [initial, ...components.map((component) => component.initial)];
    return {
      components: states.map((state, i) => (this.components[i] as Interner).add(state)),
      locals: processes.map((_, i) => (this.locals[i] as Interner).add(start(this.#program, i))),
    };
  }

  /** Moves of a request in a local state; each is completed by `from`. */
  movesOf(process: number, local: number): readonly KnownMove[] {
    const known = this.#moves[process] as (KnownMove[] | undefined)[];
    let list = known[local];
    if (!list) {
      const state = (this.locals[process] as Interner).get(local) as Local;
      list = moves(this.#program, process, state).map((move) => ({ move, from: [] }));
      known[local] = list;
    }
    return list;
  }

  /** Where a move leads from a state of its component. */
  from(known: KnownMove, process: number, state: number): readonly Transition[] {
    const found = known.from[state];
    if (found) return found;
    const { move } = known;
    const states = this.components[move.component] as Interner;
    const locals = this.locals[process] as Interner;
    const list = move.perform(states.get(state)).map(
      (effect): Transition => ({
        component: move.component,
        nextComponent: states.add(effect.state),
        nextLocal: locals.add(effect.local),
        fault: effect.fault ? 1 : 0,
        label: effect.label,
      }),
    );
    known.from[state] = list;
    return list;
  }

  /** What a component does by itself in a state: evictions, leases that end, copies that converge. */
  events(component: number, state: number): readonly Transition[] {
    const events = this.#program.components[component - 1]?.events;
    if (!events) return NONE;
    const known = this.#events[component] as (readonly Transition[] | undefined)[];
    const found = known[state];
    if (found) return found;
    const states = this.components[component] as Interner;
    const list = events(states.get(state)).map(
      (event): Transition => ({
        component,
        nextComponent: states.add(event.state),
        nextLocal: -1,
        fault: event.fault ? 1 : 0,
        label: { process: -1, kind: event.fault ? 'fault' : 'event', text: event.says, effect: '' },
      }),
    );
    known[state] = list;
    return list;
  }
}
