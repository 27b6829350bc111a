import type { Component } from '../components/component.ts';
import { emptyDatabase, execute } from '../components/database/session.ts';
import type { DatabaseState } from '../components/database/state.ts';
import type { DatabaseContext } from '../components/database/work.ts';
import { COMPONENT_KINDS } from '../components/index.ts';
import { type Design, DesignError, type Operation } from '../design/design.ts';
import type { Engine, EngineLevel } from '../design/engine.ts';
import type { Expression, Variables } from '../design/expression.ts';
import { MOST_REQUESTS } from '../design/pairs.ts';
import { parseStep, type Step } from '../design/step.ts';
import { DatabaseError, NotAnalysed } from '../sql/errors.ts';
import { loadParser, parseSql } from '../sql/parse.ts';
import type { Plan } from '../sql/plan.ts';
import type { Compiler } from '../sql/query.ts';
import { compileRules } from '../sql/rules.ts';
import { declare, type Schema } from '../sql/schema.ts';
import { compileStatement } from '../sql/statement.ts';
import type { Value } from '../sql/values.ts';

/** A step that is ready to run. */
export type Instruction =
  | {
      readonly kind: 'sql';
      readonly text: string;
      readonly condition?: Expression;
      readonly into: readonly string[];
      readonly list: boolean;
      readonly plan: Plan;
      readonly parameters: readonly string[];
      readonly ordered: boolean;
    }
  | {
      readonly kind: 'await';
      readonly text: string;
      readonly condition?: Expression;
      readonly plan: Plan;
      readonly parameters: readonly string[];
    }
  | {
      readonly kind: 'call';
      readonly text: string;
      readonly condition?: Expression;
      readonly into: readonly string[];
      readonly component: number;
      readonly verb: string;
      readonly arguments: readonly { readonly name: string; readonly value: Expression }[];
    }
  | { readonly kind: 'begin'; readonly text: string; readonly condition?: Expression; readonly level: EngineLevel }
  | { readonly kind: 'commit' | 'rollback'; readonly text: string; readonly condition?: Expression }
  | { readonly kind: 'return'; readonly text: string; readonly condition?: Expression; readonly value?: Expression }
  | {
      readonly kind: 'assign';
      readonly text: string;
      readonly condition?: Expression;
      readonly name: string;
      readonly value: Expression;
    };

/** One concurrent request: an operation with its parameters. */
export interface Process {
  /** E.g. `leave#1 (me=1)`. */
  readonly name: string;
  readonly operation: Operation;
  readonly parameters: Variables;
  readonly instructions: readonly Instruction[];
  readonly level: EngineLevel;
  /** `one`: all steps in one transaction; `explicit`: the steps say begin and commit; `none`: each commits alone. */
  readonly transaction: 'one' | 'explicit' | 'none';
  /** Whether it runs SQL. */
  readonly usesDatabase: boolean;
  /** Whether a crash in the middle can leave more than a rolled-back transaction. */
  readonly crashes: boolean;
}

/** Something that stands in the way of an analysis. */
export interface Gap {
  readonly where: string;
  readonly construct: string;
}

/** A design that is ready to be explored. */
export interface Program {
  readonly design: Design;
  readonly engine: Engine;
  readonly context: DatabaseContext;
  readonly compiler: Compiler;
  readonly initial: DatabaseState;
  readonly processes: readonly Process[];
  /** Components besides the database, in the order of their states. */
  readonly components: readonly Component[];
  /** What was assumed where the design is silent. */
  readonly assumptions: readonly string[];
}

/** SQL that could not be analysed, all places at once. */
export class GapsError extends Error {
  override name = 'GapsError';
  readonly gaps: readonly Gap[];
  constructor(gaps: readonly Gap[]) {
    super(gaps.map((gap) => `${gap.where}: ${gap.construct}`).join('; '));
    this.gaps = gaps;
  }
}

/**
 * Compiles a design.
 *
 * @throws DesignError for what is wrong with it, GapsError for SQL that the interpreter lacks.
 */
export async function compileDesign(design: Design, engine: Engine): Promise<Program> {
  await loadParser();
  const gaps: Gap[] = [];
  const attempt = <T>(where: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof NotAnalysed) gaps.push({ where, construct: error.construct });
      else if (error instanceof DatabaseError) throw new DesignError(`${where}: ${error.message} (${error.code})`);
      else if (error instanceof Error && error.name === 'SqlInputError')
        throw new DesignError(`${where}: ${error.message}`);
      else throw error;
      return undefined;
    }
  };
  const assumptions: string[] = [];
  const schema: Schema = new Map();
  const compiler: Compiler = { schema, dialect: engine.dialect, scans: [] };
  const rows: Plan[] = [];
  const declarations = design.schema?.trim()
    ? attempt('schema', () => parseSql(design.schema ?? '', engine.dialect))
    : [];
  for (const statement of declarations ?? []) {
    attempt('schema', () => {
      if (!declare(schema, statement.tree)) rows.push(compileStatement(statement.tree, compiler));
    });
  }
  const tables = [...schema.values()];
  const rules = tables.map((table) => attempt(`table ${table.name}`, () => compileRules(table, compiler)));
  const levelOf = (name: string | undefined) => engine.level(name ?? engine.defaultLevel);
  const processes = compileProcesses(design, engine, compiler, levelOf, attempt, assumptions);
  if (gaps.length > 0) throw new GapsError(gaps);

  const context: DatabaseContext = {
    dialect: engine.dialect,
    tables,
    rules: rules.map((rule) => rule as NonNullable<typeof rule>),
    scans: compiler.scans,
    levelOf: (name) => engine.level(name).control,
  };
  return {
    design,
    engine,
    context,
    compiler,
    processes,
    assumptions,
    initial: fill(context, rows, processes.length),
    components: createComponents(design),
  };
}

/** Components by the kinds that they name. @throws DesignError for an unknown kind or option. */
function createComponents(design: Design): Component[] {
  const taken = new Set<string>();
  return design.components.map(({ name, kind, ...given }) => {
    if (taken.has(name)) throw new DesignError(`components: "${name}" is there twice; names must differ`);
    taken.add(name);
    const definition = COMPONENT_KINDS.find((candidate) => candidate.kind === kind);
    if (!definition) {
      throw new DesignError(
        `component ${name}: kind "${kind}" is unknown; kinds are ${COMPONENT_KINDS.map((candidate) => candidate.kind).join(', ')}`,
      );
    }
    const options = definition.options.safeParse(given);
    if (!options.success) {
      const allowed = Object.keys(definition.options.shape).join(', ') || 'none';
      throw new DesignError(
        `component ${name}: ${options.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ')}. Options of a ${kind}: ${allowed}`,
      );
    }
    return definition.create(name, options.data);
  });
}

/** Rows that a design may begin with. */
const MOST_ROWS = 500;

/** Runs the schema's INSERT statements. */
function fill(context: DatabaseContext, rows: readonly Plan[], sessions: number): DatabaseState {
  let state = emptyDatabase(context.tables.length, Math.max(1, sessions));
  for (const plan of rows) {
    const outcome = execute(context, state, { session: 0, control: 'read-committed-mvcc', autocommit: true }, plan, []);
    if (outcome.kind !== 'done') {
      throw new DesignError(
        `schema: an INSERT fails${outcome.kind === 'error' ? `: ${outcome.message} (${outcome.code})` : ''}`,
      );
    }
    state = outcome.state;
    if (state.tables.reduce((sum, rows) => sum + rows.length, 0) > MOST_ROWS) {
      throw new DesignError(
        `schema: more than ${MOST_ROWS} rows. An exploration needs the two or three rows that make the case tight`,
      );
    }
  }
  return state;
}

type Attempt = <T>(where: string, work: () => T) => T | undefined;

function compileProcesses(
  design: Design,
  engine: Engine,
  compiler: Compiler,
  levelOf: (name: string | undefined) => EngineLevel,
  attempt: Attempt,
  assumptions: string[],
): Process[] {
  const components = design.components.map((component) => component.name);
  const alone = design.operations.length === 1 && design.operations[0]?.runs === undefined;
  if (alone) assumptions.push('Two requests of the operation run at the same time (no runs were given).');
  const defaulted = design.operations.filter(
    (operation) => operation.isolation === undefined && design.isolation === undefined,
  );
  const processes = design.operations.flatMap((operation) => {
    const steps = operation.steps.map((text) => parseStep(text, components));
    const explicit = steps.some((step) => step.action.kind === 'begin');
    const transaction = operation.transaction ?? (explicit ? 'explicit' : 'one');
    const level = levelOf(operation.isolation ?? design.isolation);
    const instructions = steps.flatMap((step) => {
      const done = attempt(`operation ${operation.name}, step "${step.text}"`, () =>
        compileStep(step, components, compiler, levelOf, level),
      );
      return done ? [done] : [];
    });
    if (transaction === 'one') instructions.push({ kind: 'commit', text: 'COMMIT' });
    const usesDatabase = steps.some((step) => step.action.kind === 'sql' || step.action.kind === 'await');
    const runs = operation.runs ?? (alone ? [{}, {}] : [{}]);
    checkNames(operation, instructions, runs);
    return runs.map(
      (parameters, i): Process => ({
        name: processName(operation.name, parameters, i, runs.length),
        operation,
        parameters,
        instructions,
        level,
        transaction,
        usesDatabase,
        crashes:
          operation.retries > 0 ||
          (transaction !== 'one' && steps.length > 1) ||
          steps.some((step) => step.action.kind === 'call'),
      }),
    );
  });
  if (
    design.operations.some((operation) =>
      operation.steps.some((step) =>
        /\bnow\s*\(|\bcurrent_(timestamp|date|time)\b|\bgetdate\b|\bsysdate\b/i.test(step),
      ),
    )
  ) {
    assumptions.push(
      'The clock of the database stands still: now() is the same in every step, so nothing expires between two steps.',
    );
  }
  if (processes.length > MOST_REQUESTS)
    throw new DesignError(
      `${processes.length} concurrent requests are too many for one exploration; at most ${MOST_REQUESTS}`,
    );
  if (defaulted.length > 0 && processes.some((process) => process.usesDatabase)) {
    assumptions.push(`${engine.defaultLevel} (default of ${engine.name}) where no isolation level is given.`);
  }
  if (
    design.operations.some((operation) => operation.transaction === undefined && operation.steps.length > 1) &&
    processes.some((process) => process.usesDatabase && process.transaction === 'one')
  ) {
    assumptions.push('All steps of an operation run in one transaction where nothing else is said.');
  }
  return processes;
}

function processName(name: string, parameters: Variables, index: number, count: number): string {
  const values = Object.entries(parameters)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');
  return `${count > 1 ? `${name}#${index + 1}` : name}${values && count > 1 ? ` (${values})` : ''}`;
}

/** Every name that a step reads must come from a run or an earlier step. */
function checkNames(operation: Operation, instructions: readonly Instruction[], runs: readonly Variables[]): void {
  for (const run of runs) {
    const known = new Set(Object.keys(run));
    for (const instruction of instructions) {
      const used = [
        ...(instruction.condition?.reads ?? []),
        ...('parameters' in instruction ? instruction.parameters : []),
        ...(instruction.kind === 'call' ? instruction.arguments.flatMap((argument) => argument.value.reads) : []),
        ...('value' in instruction ? (instruction.value?.reads ?? []) : []),
      ];
      const missing = used.find((name) => !known.has(name));
      if (missing !== undefined) {
        throw new DesignError(
          `operation ${operation.name}, step "${instruction.text}": "${missing}" has no value. Give it in runs, e.g. runs: [{${missing}: 1}, {${missing}: 2}], or bind it in an earlier step with :=. Known here: ${[...known].join(', ') || 'none'}`,
        );
      }
      if ('into' in instruction) for (const name of instruction.into) known.add(name);
      if (instruction.kind === 'assign') known.add(instruction.name);
    }
  }
}

function compileStep(
  step: Step,
  components: readonly string[],
  compiler: Compiler,
  levelOf: (name: string | undefined) => EngineLevel,
  level: EngineLevel,
): Instruction {
  const { text, condition, into, list, action } = step;
  const common = { text, ...(condition && { condition }) };
  switch (action.kind) {
    case 'sql': {
      if (/(^|[^\w$])\$\d/.test(action.sql))
        throw new DesignError(`step "${text}": write parameters as :name, not $1, and give their values in runs`);
      const statements = parseSql(action.sql, compiler.dialect);
      const [statement] = statements;
      if (!statement || statements.length > 1) throw new DesignError(`step "${text}": write one SQL statement a step`);
      const plan = compileStatement(statement.tree, compiler);
      return {
        ...common,
        kind: 'sql',
        into,
        list,
        plan,
        parameters: statement.parameters,
        ordered: /\border\s+by\b/i.test(action.sql),
      };
    }
    case 'await': {
      const [statement] = parseSql(action.sql, compiler.dialect);
      if (!statement) throw new DesignError(`step "${text}": write await SELECT ...`);
      return {
        ...common,
        kind: 'await',
        plan: compileStatement(statement.tree, compiler),
        parameters: statement.parameters,
      };
    }
    case 'call':
      return {
        ...common,
        kind: 'call',
        into,
        component: components.indexOf(action.component),
        verb: action.verb,
        arguments: action.arguments,
      };
    case 'begin':
      return { ...common, kind: 'begin', level: action.level === undefined ? level : levelOf(action.level) };
    case 'return':
      return { ...common, kind: 'return', ...(action.value && { value: action.value }) };
    case 'assign':
      return { ...common, kind: 'assign', name: action.name, value: action.value };
    default:
      return { ...common, kind: action.kind };
  }
}

/** Values for the `:parameters` of a statement. */
export function bind(names: readonly string[], variables: Variables): Value[] {
  return names.map((name) => variables[name] ?? null);
}
