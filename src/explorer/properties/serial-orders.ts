import type { DatabaseState } from '../../components/database/state.ts';
import type { Process, Program } from '../program.ts';
import { Search, type World } from '../search.ts';
import type { CheckCompiler } from './check.ts';

/** Reads, row counts and final state equal some serial order of the committed transactions. */
export const serializable: CheckCompiler = async (_, program, { name }) => {
  const check = {
    kind: 'serializable',
    name: name ?? 'serializable',
    text: 'serializable',
    assumed: false,
    early: false,
  } as const;
  if (program.processes.some((process) => process.usesDatabase && !isOneTransaction(process)))
    return { ...check, broken: () => undefined };
  const known = await serialOutcomes(program, (world, subset) => signature(world, program, subset, true));
  return {
    ...check,
    broken: (world, final) => {
      if (!final) return undefined;
      const committed = world.locals.flatMap((local, i) => (local.status === 'done' ? [i] : []));
      return known.has(signature(world, program, committed, true))
        ? undefined
        : 'no serial order of the committed transactions gives these reads and this final state';
    },
  };
};

/** After every crash and recovery the state is one that some requests, each whole, would have left. */
export const allOrNothing: CheckCompiler = async (text, program, { name }) => {
  const known = await serialOutcomes(program, (world) => signature(world, program, [], false));
  return {
    kind: 'all-or-nothing',
    name: name ?? `all or nothing${text === 'true' ? '' : `: ${text}`}`,
    text,
    assumed: false,
    early: false,
    broken: (world, final) =>
      !final || known.has(signature(world, program, [], false))
        ? undefined
        : 'the state is none that whole requests leave: some steps took effect and others did not',
  };
};

/** Whether serializability speaks of a request. */
export const isOneTransaction = (process: Process) => process.usesDatabase && process.transaction === 'one';

/** Runs every serial order of every subset of the requests and collects what `sign` says of the ends. */
async function serialOutcomes(
  program: Program,
  sign: (world: World, subset: readonly number[]) => string,
): Promise<Set<string>> {
  const known = new Set<string>();
  for (const subset of subsets(program.processes.length)) {
    const part: Program = {
      ...program,
      processes: program.processes.map((process, i) =>
        subset.includes(i) ? process : { ...process, instructions: [] },
      ),
    };
    const search = new Search(part, true);
    await search.run({ states: 100_000, milliseconds: 2_000, faults: 0 }, (index, final) => {
      if (final) known.add(sign(search.world(index), subset));
    });
  }
  return known;
}

function subsets(count: number): number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => bits & (1 << i)),
  );
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
