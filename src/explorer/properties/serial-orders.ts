import type { DatabaseState } from '../../components/database/state.ts';
import { start } from '../local.ts';
import type { Program } from '../program.ts';
import { Search, type World } from '../search.ts';
import type { CheckCompiler } from './check.ts';

/** Reads, row counts and final state equal those of the committed requests, each whole, in some serial order. */
export const serializable: CheckCompiler = async (_, program, { name, milliseconds }) => {
  const known = await serialOutcomes(
    program,
    (world, started) => signature(world, program, started, true),
    milliseconds,
  );
  return {
    kind: 'serializable',
    name: name ?? 'serializable',
    text: 'serializable',
    assumed: false,
    early: false,
    ofAll: true,
    ...(known === undefined && { undecided: 'its serial orders are too many to list in the time given' }),
    broken: (world, final) => {
      if (!final || !known) return undefined;
      const committed = world.locals.flatMap((local, i) => (local.status === 'done' ? [i] : []));
      return known.has(signature(world, program, committed, true))
        ? undefined
        : 'no serial order of the committed transactions gives these reads and this final state';
    },
  };
};

/** After every crash, error and recovery the state is one that some requests, each whole, would have left. */
export const allOrNothing: CheckCompiler = async (text, program, { name, milliseconds }) => {
  const known = await serialOutcomes(program, (world) => signature(world, program, [], false), milliseconds);
  return {
    kind: 'all-or-nothing',
    name: name ?? 'all or nothing',
    text,
    assumed: false,
    early: false,
    ofAll: true,
    ...(known === undefined && { undecided: 'its serial orders are too many to list in the time given' }),
    broken: (world, final) =>
      !final || !known || known.has(signature(world, program, [], false))
        ? undefined
        : 'the state is none that whole requests leave: some steps took effect and others did not',
  };
};

/** States and time for listing serial orders. */
const LIMITS = { states: 300_000, milliseconds: 1_500, faults: 0 };

/**
 * Runs requests one after the other in every order and collects what `sign` says whenever those that began have all
 * succeeded: that covers every subset. Undefined when the limit was reached, for then nothing could be concluded.
 */
async function serialOutcomes(
  program: Program,
  sign: (world: World, started: readonly number[]) => string,
  milliseconds = LIMITS.milliseconds,
): Promise<Set<string> | undefined> {
  const known = new Set<string>();
  const first = program.processes.map((_, i) => JSON.stringify(start(program, i)));
  const search = new Search(program, true);
  const { exhausted } = await search.run(
    { ...LIMITS, milliseconds: Math.min(milliseconds, LIMITS.milliseconds) },
    (index) => {
      const world = search.world(index);
      const started = world.locals.flatMap((local, i) =>
        JSON.stringify(local) === first[i] && local.status !== 'done' ? [] : [i],
      );
      if (started.every((i) => world.locals[i]?.status === 'done')) known.add(sign(world, started));
    },
  );
  return exhausted ? known : undefined;
}

/**
 * Final tables and components, and, with `reads`, what the committed requests read. Values from counters are left
 * out: gaps in them are no anomaly.
 */
function signature(world: World, program: Program, committed: readonly number[], reads: boolean): string {
  const state = world.components[0] as DatabaseState;
  const tables = state.tables.map((rows, table) => {
    const counters = program.context.tables[table]?.columns.flatMap((column, i) => (column.counter ? [i] : [])) ?? [];
    const values = rows.flatMap((row) => {
      const image = row.versions.at(-1)?.values;
      return image
        ? [JSON.stringify(counters.length === 0 ? image : image.filter((_, i) => !counters.includes(i)))]
        : [];
    });
    return values.sort();
  });
  if (!reads)
    return JSON.stringify([tables, program.components.map((component, i) => component.view(world.components[i + 1]))]);
  return JSON.stringify([tables, committed.map((i) => [i, world.locals[i]?.status, world.locals[i]?.log])]);
}
