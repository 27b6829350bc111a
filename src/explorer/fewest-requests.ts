import type { Step } from './hazard.ts';
import type { Program } from './program.ts';
import type { Check } from './properties/check.ts';
import { type Limits, Search } from './search.ts';

/** An execution that breaks a property. */
interface Found {
  readonly path: readonly Step[];
  readonly broken: string;
  readonly index: number;
  readonly faults: number;
  readonly search: Search;
}

/**
 * A counterexample with fewer requests, where one exists: every smaller set of requests is explored, smallest first.
 * A property that speaks of all requests together cannot be judged without some of them.
 *
 * @param serial whether the property breaks when requests run one after the other.
 * @param involved how many requests the known counterexample has.
 */
export async function fewestRequests(
  program: Program,
  check: Check,
  serial: boolean,
  involved: number,
  limits: Limits,
): Promise<Found | undefined> {
  if (check.ofAll || involved < 3) return undefined;
  const { length } = program.processes;
  const deadline = performance.now() + limits.milliseconds;
  for (let size = 1; size < involved; size++) {
    for (const subset of subsets(length, size)) {
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      const processes = program.processes.map((process, i) =>
        subset.includes(i) ? process : { ...process, instructions: [] },
      );
      const part = { ...program, processes };
      // A rule that these requests alone break one after the other wants all requests; it says nothing of the race.
      if (!serial && (await breaks(new Search(part, true), check, { ...limits, milliseconds: left, faults: 0 })))
        continue;
      const search = new Search(part);
      let found: Found | undefined;
      await search.run({ ...limits, milliseconds: left, states: 50_000 }, (index, final, faults) => {
        if (found || (!final && !check.early)) return;
        const broken = check.broken(search.world(index), final);
        if (broken !== undefined) found = { path: search.path(index), broken, index, faults, search };
      });
      if (found) return found;
    }
  }
  return undefined;
}

async function breaks(search: Search, check: Check, limits: Limits): Promise<boolean> {
  let broken = false;
  await search.run(limits, (index, final) => {
    broken ||= (final || check.early) && check.broken(search.world(index), final) !== undefined;
  });
  return broken;
}

function subsets(count: number, size: number): number[][] {
  if (size === 0) return [[]];
  return Array.from({ length: count }, (_, first) => first).flatMap((first) =>
    subsets(count - first - 1, size - 1).map((rest) => [first, ...rest.map((i) => i + first + 1)]),
  );
}
