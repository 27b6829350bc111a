import type { Hazard } from '../vocabulary/hazards.ts';
import type { Label } from './local.ts';
import type { Program } from './program.ts';
import type { Check } from './properties/check.ts';

/** A step of a counterexample. */
export interface Step {
  readonly label: Label;
  readonly fault: boolean;
}

/** Where one request read and wrote, by the number of the step. */
interface Footprint {
  readonly first: number;
  readonly commit: number;
  readonly reads: ReadonlyMap<string, number>;
  readonly scans: ReadonlyMap<string, number>;
  readonly writes: ReadonlyMap<string, number>;
  readonly inserts: ReadonlyMap<string, number>;
}

/**
 * The standard name of what a counterexample shows, from the property that broke, the faults it used, and the
 * conflicts between the requests (Berenson et al. 1995; Adya 1999).
 */
export function hazardOf(check: Check, says: string, path: readonly Step[], program: Program, serial: boolean): Hazard {
  const faults = path.some((step) => step.fault);
  const said = path.map((step) => `${step.label.text} ${step.label.effect}`).join('\n');
  switch (check.kind) {
    case 'at-most-once':
      return 'duplicate-effect';
    case 'exactly-once':
      return /took effect 0 times/.test(says) ? 'lost-effect' : 'duplicate-effect';
    case 'all-or-nothing':
      return 'partial-effect';
    case 'linearizable':
      return /clock that is behind/.test(said) ? 'clock-order' : 'stale-read';
    case 'mutual-exclusion':
      return 'zombie-writer';
  }
  if (serial && !faults) return 'logic-error';
  if (/lease expires/.test(said)) return 'zombie-writer';
  if (/clock that is behind|clock is behind/.test(said)) return 'clock-order';
  const kinds = new Set(
    path.flatMap((step) =>
      program.components
        .filter((component) => step.label.text.startsWith(`${component.name}.`))
        .map((component) => component.kind),
    ),
  );
  if (kinds.has('cache')) return 'stale-cache-fill';
  if (faults && (/tries again|visibility time-out/.test(said) || deliveredTwice(path))) return 'duplicate-effect';
  const twoSystems = program.processes.some(
    (process) => process.usesDatabase && process.instructions.some((instruction) => instruction.kind === 'call'),
  );
  if (faults) return twoSystems ? 'dual-write' : 'partial-effect';
  const prints = [...footprints(path).values()];
  const found = new Set<Hazard>();
  for (const a of prints) for (const b of prints) if (a !== b) pairHazards(a, b, found);
  const apart = program.processes.some((process) => process.transaction !== 'one' && process.usesDatabase);
  if (apart && !found.has('lost-update')) return 'dual-write';
  for (const hazard of ['lost-update', 'phantom', 'write-skew', 'read-skew'] as const)
    if (found.has(hazard)) return hazard;
  return prints.some((print) => print.inserts.size > 0) ? 'phantom' : 'read-skew';
}

/** Whether the same message was received twice. */
function deliveredTwice(path: readonly Step[]): boolean {
  const received = path.flatMap(({ label }) =>
    /\.(receive|poll)\(/.test(label.text) && label.kind === 'call' ? [`${label.text} ${label.effect}`] : [],
  );
  return new Set(received).size < received.length;
}

function pairHazards(a: Footprint, b: Footprint, found: Set<Hazard>): void {
  if (a.first > b.commit || b.first > a.commit) return;
  for (const [row, wroteAt] of a.writes) {
    const readAt = a.reads.get(row);
    if (b.writes.has(row) && readAt !== undefined && readAt < b.commit && wroteAt > b.commit && readAt < wroteAt)
      found.add('lost-update');
  }
  const [ab, ba] = [misses(a, b), misses(b, a)];
  if (ab && ba) found.add(ab === 'phantom' || ba === 'phantom' ? 'phantom' : 'write-skew');
  else if (ab === 'item' && [...a.reads].some(([row, at]) => b.writes.has(row) && at > b.commit))
    found.add('read-skew');
  else if (ab === 'phantom') found.add('phantom');
}

/** Whether `a` read something before `b` changed it. */
function misses(a: Footprint, b: Footprint): 'item' | 'phantom' | undefined {
  for (const row of b.inserts.keys()) {
    const at = a.scans.get(tableOf(row));
    if (at !== undefined && at < b.commit) return 'phantom';
  }
  for (const row of b.writes.keys()) {
    const at = a.reads.get(row);
    if (at !== undefined && at < b.commit && !a.writes.has(row)) return 'item';
  }
  return undefined;
}

const tableOf = (row: string) => row.slice(0, row.lastIndexOf(':'));

function footprints(path: readonly Step[]): Map<number, Footprint> {
  const prints = new Map<
    number,
    {
      first: number;
      commit: number;
      reads: Map<string, number>;
      scans: Map<string, number>;
      writes: Map<string, number>;
      inserts: Map<string, number>;
    }
  >();
  path.forEach(({ label }, at) => {
    const print = prints.get(label.process) ?? {
      first: at,
      commit: Number.POSITIVE_INFINITY,
      reads: new Map(),
      scans: new Map(),
      writes: new Map(),
      inserts: new Map(),
    };
    prints.set(label.process, print);
    if (label.kind === 'commit' || label.kind === 'autocommit') print.commit = at;
    for (const row of label.access?.read ?? []) if (!print.reads.has(row)) print.reads.set(row, at);
    for (const table of label.access?.scanned ?? []) if (!print.scans.has(table)) print.scans.set(table, at);
    for (const row of label.access?.wrote ?? []) print.writes.set(row, at);
    for (const row of label.access?.inserted ?? []) print.inserts.set(row, at);
  });
  return prints;
}
