import { execute } from '../components/database/session.ts';
import type { DatabaseState } from '../components/database/state.ts';
import type { ServiceState } from '../components/service.ts';
import { DesignError, type Property } from '../design/design.ts';
import { compileCel, type Expression } from '../design/expression.ts';
import { NotAnalysed } from '../sql/errors.ts';
import { parseSql } from '../sql/parse.ts';
import type { Plan } from '../sql/plan.ts';
import { compileStatement } from '../sql/statement.ts';
import { toText, type Value } from '../sql/values.ts';
import type { Local } from './process.ts';
import { GapsError, type Process, type Program } from './program.ts';
import { Search, type World } from './search.ts';

/** A property that can be checked in a situation. */
export interface Check {
  readonly kind: 'invariant' | 'at-most-once' | 'serializable';
  /** As the answer calls it. */
  readonly name: string;
  /** As the design writes it. */
  readonly text: string;
  /** Whether the design asked for it. */
  readonly assumed: boolean;
  /** Undefined while it holds; else what a user would see. */
  readonly broken: (world: World, final: boolean) => string | undefined;
}

/** Compiles the properties of a design, or the ones that follow from its steps where it has none. */
export async function compileChecks(program: Program): Promise<Check[]> {
  const { design } = program;
  const given = await Promise.all(design.properties.map((property) => compileProperty(property, program)));
  if (given.length > 0) return given;
  const assumed: Check[] = [];
  if (program.processes.some((process) => judged(process)))
    assumed.push({ ...(await serializable(program)), assumed: true });
  const effects = new Set(
    design.operations.flatMap((_, i) =>
      program.processes
        .filter((process) => process.operation === design.operations[i])
        .flatMap((process) =>
          process.instructions.flatMap((instruction) =>
            instruction.kind === 'call' ? [`${program.services[instruction.component]?.name}.${instruction.verb}`] : [],
          ),
        ),
    ),
  );
  for (const effect of effects)
    assumed.push({ ...atMostOnce(`${effect} per request`, program, undefined), assumed: true });
  if (assumed.length === 0) {
    throw new DesignError(
      'No property is given and none follows from the steps. Give properties, e.g. - invariant: SELECT count(*) <= 1 FROM bookings',
    );
  }
  return assumed;
}

async function compileProperty(property: Property, program: Program): Promise<Check> {
  const kinds = (['invariant', 'at-most-once', 'serializable'] as const).filter((kind) => property[kind] !== undefined);
  if (kinds.length !== 1) {
    throw new DesignError(
      `A property has exactly one of invariant, at-most-once, serializable; given: ${kinds.join(', ') || 'none'}`,
    );
  }
  if (property.invariant !== undefined) return invariant(property.invariant, property, program);
  if (property['at-most-once'] !== undefined) return atMostOnce(property['at-most-once'], program, property.name);
  return { ...(await serializable(program)), ...(property.name && { name: property.name }) };
}

function invariant(text: string, property: Property, program: Program): Check {
  const name = property.name ?? text;
  const [statement] = parseSql(text, program.engine.dialect);
  if (!statement || !('SelectStmt' in statement.tree))
    throw new DesignError(`invariant "${text}" must be a SELECT that gives true`);
  let plan: Plan;
  try {
    plan = compileStatement(statement.tree, program.compiler);
  } catch (error) {
    if (error instanceof NotAnalysed) throw new GapsError([{ where: `invariant ${name}`, construct: error.construct }]);
    if (error instanceof Error && error.name === 'SqlInputError')
      throw new DesignError(`invariant ${name}: ${error.message}`);
    throw error;
  }
  const when = property.when ?? 'end';
  const memo = new WeakMap<DatabaseState, string | undefined>();
  return {
    kind: 'invariant',
    name,
    text,
    assumed: false,
    broken: (world, final) => {
      if (when !== 'always' && !final) return undefined;
      if (when === 'all committed' && world.locals.some((local) => local.status !== 'done')) return undefined;
      const state = world.components[0] as DatabaseState;
      if (memo.has(state)) return memo.get(state);
      const value = evaluate(plan, state, program);
      const verdict = value === true || value === null ? undefined : `the invariant gives ${toText(value)}`;
      memo.set(state, verdict);
      return verdict;
    },
  };
}

/** Evaluates a SELECT on what is committed. */
function evaluate(plan: Plan, state: DatabaseState, program: Program): Value {
  const committed: DatabaseState = {
    ...state,
    transactions: [...state.transactions.map(() => null), null],
    ended: [],
    ranges: [],
    advisory: [],
  };
  const outcome = execute(
    program.context,
    committed,
    { session: state.transactions.length, control: 'read-committed-mvcc', autocommit: true },
    plan,
    [],
  );
  if (outcome.kind !== 'done')
    throw new DesignError(`an invariant cannot be evaluated${outcome.kind === 'error' ? `: ${outcome.message}` : ''}`);
  const value = outcome.result.rows[0]?.[0] ?? null;
  return typeof value === 'number' && program.engine.dialect === 'mysql' ? value !== 0 : value;
}

function atMostOnce(text: string, program: Program, name: string | undefined): Check {
  const match = /^(\w+)\.(\w+)(?:\s+per\s+([\s\S]+))?$/.exec(text.trim());
  const service = program.services.findIndex((candidate) => candidate.name === match?.[1]);
  if (!match || service < 0) {
    throw new DesignError(
      `at-most-once "${text}": write component.verb per variable, e.g. psp.charge per request; components: ${program.services.map((s) => s.name).join(', ') || 'none'}`,
    );
  }
  const verb = match[2] ?? '';
  const named = program.processes.some((process) => (match[3] ?? '') in process.parameters);
  const key: Expression | undefined =
    match[3] === undefined || (match[3] === 'request' && !named) ? undefined : compileCel(match[3]);
  return {
    kind: 'at-most-once',
    name: name ?? text,
    text,
    assumed: false,
    broken: (world) => {
      const { effects } = world.components[service + 1] as ServiceState;
      const counts = new Map<string, number>();
      for (const effect of effects) {
        if (effect.verb !== verb) continue;
        const group = key
          ? toText(key.evaluate({ ...effect.request, ...effect.arguments }))
          : (program.processes[effect.by]?.name ?? '');
        const count = (counts.get(group) ?? 0) + 1;
        if (count > 1)
          return `${match[1]}.${verb} took effect ${count} times for ${key ? `${key.text} ${group}` : group}`;
        counts.set(group, count);
      }
      return undefined;
    },
  };
}

/** Whether serializability speaks of a request: one transaction, without SKIP LOCKED, which gives it up on purpose. */
const judged = (process: Process) => process.usesDatabase && process.transaction === 'one';

/** Compares with every serial order of every subset of the requests. */
async function serializable(program: Program): Promise<Check> {
  const name = 'serializable';
  if (program.processes.some((process) => process.usesDatabase && process.transaction !== 'one')) {
    return { kind: 'serializable', name, text: name, assumed: false, broken: () => undefined };
  }
  const known = new Set<string>();
  for (const subset of subsets(program.processes.length)) {
    const part: Program = {
      ...program,
      processes: program.processes.map((process, i) =>
        subset.includes(i) ? process : { ...process, instructions: [] },
      ),
    };
    await new Search(part, true).run({ states: 200_000, milliseconds: 2_000, faults: 0 }, (world, { final }) => {
      if (final) known.add(signature(world, program, subset));
      return 'go on';
    });
  }
  return {
    kind: 'serializable',
    name,
    text: name,
    assumed: false,
    broken: (world, final) => {
      if (!final) return undefined;
      const committed = world.locals.flatMap((local, i) => (local.status === 'done' ? [i] : []));
      return known.has(signature(world, program, committed))
        ? undefined
        : 'no serial order of the committed transactions gives these reads and this final state';
    },
  };
}

function subsets(count: number): number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => bits & (1 << i)),
  );
}

/** Final tables and what the committed requests read. Values from counters are left out: gaps in them are no anomaly. */
function signature(world: World, program: Program, committed: readonly number[]): string {
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
  const logs = committed.map((i) => [i, (world.locals[i] as Local).status, (world.locals[i] as Local).log]);
  return JSON.stringify([tables, logs]);
}
