import type { Design, Property } from '../../design/design.ts';
import { DesignError } from '../../design/design.ts';
import { compileCel } from '../../design/expression.ts';
import type { Value } from '../../sql/values.ts';
import type { Laboratory, Session } from '../engine.ts';
import { enumerate, type Order } from './enumerate.ts';
import { Tables } from './footprint.ts';
import { compileOperations, type LaboratoryProcess } from './operation.ts';
import { type Inspect, type Played, Player } from './play.ts';

/** How far to go. */
export interface ExploreOptions {
  /** Ids or names of levels; all of the engine, weakest first, where absent. */
  readonly levels?: readonly string[];
  /** Orders to run at each level. */
  readonly orders?: number;
  /** Orders that differ only in steps which cannot affect each other are run once; false runs them all. */
  readonly reduce?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, of: number, level: string) => void;
}

/** What the orders led to at one level. */
export interface LevelReport {
  readonly level: string;
  readonly orders: number;
  /** Whether there are orders that were not run. */
  readonly more: boolean;
  /** Orders in which every process committed. */
  readonly committed: number;
  /** Orders in which a statement waited. */
  readonly waited: number;
  /** Failures by code, over all orders. */
  readonly failures: Readonly<Record<string, number>>;
  /** Orders in which a property was violated. */
  readonly violations: number;
  /** The first of them, which has the fewest switches. */
  readonly violation?: {
    readonly order: readonly string[];
    readonly broken: readonly string[];
    readonly transcript: readonly string[];
  };
  /** Orders that could not be run to their end, with the first reason. */
  readonly problems: number;
  readonly problem?: string;
}

/** Most orders at a level where nobody says otherwise. */
const ORDERS = 400;

/**
 * Runs the operations of a design on a real engine in every order that can matter, at each level, and checks the
 * invariants and serializability.
 *
 * @throws DesignError for what only the model can run: calls on components, properties about them.
 */
export async function exploreOrders(
  laboratory: Laboratory,
  design: Design,
  options: ExploreOptions = {},
): Promise<LevelReport[]> {
  const tables = new Tables(design.schema ?? '');
  const processes = compileOperations(design.operations, tables);
  const player = new Player(laboratory, design.schema ?? '', tables.names);
  const checks = design.properties.filter((property) => property.serializable !== true).map(compileCheck);
  const inspect: Inspect = async (desk, moment, ends) => {
    const broken: string[] = [];
    for (const check of checks) {
      const due = check.when === 'always' || moment === 'end';
      const counts = check.when !== 'all committed' || [...ends.values()].every((end) => end === 'committed');
      if (due && counts && !(await check.holds(desk))) broken.push(check.name);
    }
    return broken;
  };
  const wanted = design.properties.some((property) => property.serializable === true);
  const serial = new SerialOutcomes(player, processes);
  const { orders, more } = enumerate(
    processes.map((process) => process.units),
    options.orders ?? ORDERS,
    options.reduce ?? true,
  );
  const reports: LevelReport[] = [];
  try {
    for (const level of levelsOf(laboratory, options.levels)) {
      const played: { readonly result: Played; readonly broken: readonly string[] }[] = [];
      for (const [done, order] of orders.entries()) {
        const result = await player.play(processes, order, level, inspect, options.signal);
        const broken = [...result.remarks];
        if (wanted && result.problem === undefined && !(await serial.has(result, level))) broken.push('serializable');
        played.push({ result, broken });
        options.progress?.(done + 1, orders.length, level);
      }
      reports.push(report(level, processes, played, more));
    }
    return reports;
  } finally {
    await player.close();
  }
}

function levelsOf(laboratory: Laboratory, asked: readonly string[] | undefined): string[] {
  const { levels, product } = laboratory.facts;
  if (!asked) return levels.map((level) => level.id);
  return asked.map((name) => {
    const id = name.trim().toLowerCase().replaceAll(/[ _]+/g, '-');
    if (levels.some((level) => level.id === id)) return id;
    throw new DesignError(
      `${product} has no isolation level "${name}". It has: ${levels.map((level) => level.name).join(', ')}`,
    );
  });
}

interface Check {
  readonly name: string;
  readonly when: NonNullable<Property['when']>;
  readonly holds: (desk: Session) => Promise<boolean>;
}

function compileCheck(property: Property): Check {
  const { invariant, when = 'end' } = property;
  if (invariant === undefined) {
    const kind = Object.keys(property).find((key) => key !== 'name' && key !== 'when') ?? 'property';
    throw new DesignError(
      `the property "${kind}" is checked by the model only; the laboratory checks invariant and serializable`,
    );
  }
  const name = property.name ?? invariant;
  if (/^\s*(select|with)\b/i.test(invariant)) {
    return { name, when, holds: async (desk) => truth(await first(desk, invariant, name)) };
  }
  const expression = compileCel(invariant);
  const selects = Object.entries(property.let ?? {});
  return {
    name,
    when,
    holds: async (desk) => {
      const variables: Record<string, Value> = {};
      for (const [variable, sql] of selects) variables[variable] = await first(desk, sql, name);
      return truth(expression.evaluate(variables));
    },
  };
}

async function first(desk: Session, sql: string, name: string): Promise<Value> {
  const reply = await desk.run(sql);
  if (reply.kind === 'failure') throw new DesignError(`the property "${name}" fails: ${reply.code} ${reply.message}`);
  return reply.rows[0]?.[0] ?? null;
}

/** MySQL and SQLite answer 1 for true. */
const truth = (value: Value) => value === true || value === 1;

/** What serial executions of the processes that committed lead to: found by running them. */
class SerialOutcomes {
  readonly #player: Player;
  readonly #processes: readonly LaboratoryProcess[];
  readonly #known = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(player: Player, processes: readonly LaboratoryProcess[]) {
    this.#player = player;
    this.#processes = processes;
  }

  /** Whether some serial order of those that committed gives the same answers and the same final state. */
  async has(result: Played, level: string): Promise<boolean> {
    const committed = this.#processes.flatMap(({ name }, i) => (result.ends.get(name) === 'committed' ? [i] : []));
    const key = `${level} ${committed.join(' ')}`;
    let outcomes = this.#known.get(key);
    if (!outcomes) {
      outcomes = this.#run(committed, level);
      this.#known.set(key, outcomes);
    }
    return (await outcomes).has(this.#signature(result, committed));
  }

  async #run(committed: readonly number[], level: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const permutation of permutations(committed)) {
      const order: Order = permutation.flatMap((index) => this.#processes[index]?.units.map(() => index) ?? []);
      const played = await this.#player.play(this.#processes, order, level, async () => []);
      found.add(this.#signature(played, committed));
    }
    return found;
  }

  #signature(result: Played, committed: readonly number[]): string {
    const logs = committed.map((index) => result.logs.get(this.#processes[index]?.name ?? ''));
    return JSON.stringify([result.state, logs]);
  }
}

function permutations(values: readonly number[]): number[][] {
  if (values.length <= 1) return [[...values]];
  return values.flatMap((value) =>
    permutations(values.filter((other) => other !== value)).map((rest) => [value, ...rest]),
  );
}

function report(
  level: string,
  processes: readonly LaboratoryProcess[],
  played: readonly { readonly result: Played; readonly broken: readonly string[] }[],
  more: boolean,
): LevelReport {
  const failures: Record<string, number> = {};
  for (const { result } of played) {
    for (const { reply } of result.steps) {
      if (reply?.kind === 'failure') failures[reply.code] = (failures[reply.code] ?? 0) + 1;
    }
  }
  const bad = played.filter(({ broken }) => broken.length > 0);
  const problems = played.flatMap(({ result }) => result.problem ?? []);
  const [worst] = bad;
  return {
    level,
    orders: played.length,
    more,
    committed: played.filter(({ result }) => [...result.ends.values()].every((end) => end === 'committed')).length,
    waited: played.filter(({ result }) => result.steps.some((step) => step.waited)).length,
    failures,
    violations: bad.length,
    ...(worst && {
      violation: {
        order: worst.result.order.map((index) => processes[index]?.name ?? ''),
        broken: worst.broken,
        transcript: worst.result.transcript,
      },
    }),
    problems: problems.length,
    ...(problems[0] !== undefined && { problem: problems[0] }),
  };
}
