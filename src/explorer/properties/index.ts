import { DesignError, type Property } from '../../design/design.ts';
import type { Program } from '../program.ts';
import type { Check, CheckCompiler } from './check.ts';
import { atMostOnce, exactlyOnce } from './effects.ts';
import { linearizable, mutualExclusion } from './guarantees.ts';
import { invariant } from './invariant.ts';
import { allOrNothing, serializable } from './serial-orders.ts';

/** Kinds of properties by the field that names them. */
const KINDS = {
  invariant,
  serializable,
  linearizable,
  'at-most-once': atMostOnce,
  'exactly-once': exactlyOnce,
  'all-or-nothing': allOrNothing,
  'mutual-exclusion': mutualExclusion,
} as const satisfies Record<string, CheckCompiler>;

/** Compiles the properties of a design, or the ones that follow from its steps where it has none. */
export async function compileChecks(program: Program, milliseconds?: number): Promise<Check[]> {
  const given = await Promise.all(
    program.design.properties.map((property) => compileProperty(property, program, milliseconds)),
  );
  return given.length > 0 ? given : assumedChecks(program, milliseconds);
}

async function compileProperty(property: Property, program: Program, milliseconds: number | undefined): Promise<Check> {
  const kinds = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((kind) => property[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw new DesignError(
      `A property has exactly one of ${Object.keys(KINDS).join(', ')}; given: ${kinds.join(', ') || 'none'}`,
    );
  }
  return KINDS[kind](String(property[kind]), program, { ...property, milliseconds });
}

async function assumedChecks(program: Program, milliseconds: number | undefined): Promise<Check[]> {
  const found: Check[] = [];
  if (program.processes.some((process) => process.usesDatabase))
    found.push(await serializable('', program, { milliseconds }));
  const calls = program.processes.flatMap((process) =>
    process.instructions.flatMap((instruction) => (instruction.kind === 'call' ? [instruction] : [])),
  );
  const of = (kind: string) =>
    new Set(
      calls.flatMap((call) => {
        const component = program.components[call.component];
        return component?.kind === kind
          ? [kind === 'service' ? `${component.name}.${call.verb} per request` : component.name]
          : [];
      }),
    );
  for (const text of of('service')) found.push(await atMostOnce(text, program, {}));
  for (const text of of('lock')) found.push(await mutualExclusion(text, program, {}));
  for (const text of of('store')) found.push(await linearizable(text, program, {}));
  if (found.length === 0) {
    throw new DesignError(
      'No property is given and none follows from the steps. Give properties, e.g. {"invariant": "SELECT count(*) <= 1 FROM bookings"}',
    );
  }
  return found.map((check) => ({ ...check, assumed: true }));
}
