import type { Operation } from '../../design/design.ts';
import { DesignError } from '../../design/design.ts';
import type { Variables } from '../../design/expression.ts';
import { parseStep, type Step } from '../../design/step.ts';
import { tokens } from '../../sql/tokens.ts';
import type { Value } from '../../sql/values.ts';
import type { Begin, LaboratoryDialect, Reply } from '../engine.ts';
import type { StepRecord } from '../execution.ts';
import { transactionUnits, type Unit } from './enumerate.ts';
import type { Footprint, Tables } from './footprint.ts';

/** One concurrent request of a design, ready to be run on an engine. */
export interface LaboratoryProcess {
  /** E.g. `leave#1 (me=1)`. */
  readonly name: string;
  /** `one`: all steps in one transaction; `explicit`: the steps say begin and commit; `none`: each commits alone. */
  readonly transaction: 'one' | 'explicit' | 'none';
  /** The level that the operation itself names. */
  readonly level: string | undefined;
  readonly parameters: Variables;
  /** Steps that go to the engine; what only computes is done just before the next of them. */
  readonly steps: readonly Step[];
  readonly units: readonly Unit[];
}

/** @throws DesignError for a step that only the model can run. */
export function compileOperations(operations: readonly Operation[], tables: Tables): LaboratoryProcess[] {
  const alone = operations.length === 1 && operations[0]?.runs === undefined;
  return operations.flatMap((operation) => {
    const steps = operation.steps.map((text) => parseStep(text, []));
    const explicit = steps.some((step) => step.action.kind === 'begin');
    const transaction = operation.transaction ?? (explicit ? 'explicit' : 'one');
    const runs = operation.runs ?? (alone ? [{}, {}] : [{}]);
    return runs.map((parameters, i): LaboratoryProcess => {
      const values = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
      const number = runs.length > 1 ? `#${i + 1}` : '';
      return {
        name: `${operation.name}${number}${values.length > 0 && runs.length > 1 ? ` (${values.join(', ')})` : ''}`,
        transaction,
        level: operation.isolation,
        parameters,
        steps,
        units: unitsOf(steps, transaction, tables),
      };
    });
  });
}

const NOTHING: Footprint = { reads: new Set(), writes: new Set(), all: false };

function unitsOf(steps: readonly Step[], transaction: LaboratoryProcess['transaction'], tables: Tables): Unit[] {
  const units: Unit[] = [];
  let open: Footprint[] | undefined = transaction === 'one' ? [] : undefined;
  const close = () => {
    if (open) units.push(...transactionUnits(open));
    open = undefined;
  };
  for (const { action } of steps) {
    if (action.kind === 'begin') {
      units.push({ footprint: NOTHING, ends: false });
      open = [];
    } else if (action.kind === 'commit' || action.kind === 'rollback') close();
    else if (action.kind === 'sql') {
      const footprint = tables.footprint(action.sql);
      if (open) open.push(footprint);
      else units.push({ footprint, ends: true });
    }
  }
  close();
  return units;
}

/** One execution of a process: its variables, and its steps as the engine's. */
export class Attempt {
  variables: Variables;
  /** What its statements answered, in order: rows sorted, and counts. */
  readonly log: string[] = [];
  #returned = false;
  readonly #process: LaboratoryProcess;
  readonly #level: string;
  readonly #dialect: LaboratoryDialect;

  constructor(process: LaboratoryProcess, level: string, dialect: LaboratoryDialect) {
    this.#process = process;
    this.variables = process.parameters;
    this.#level = level;
    this.#dialect = dialect;
  }

  /** One record for each unit of the process. */
  records(): StepRecord[] {
    const { name, steps, transaction } = this.#process;
    const records: StepRecord[] = [];
    let pending: Step[] = [];
    const push = (step: Step | undefined) => {
      const before = pending;
      pending = [];
      const label = `${name}.${records.length + 1}`;
      const dynamic = {
        prepare: () => this.#prepare(before, step),
        answered: (reply: Reply) => this.#answered(step, reply),
      };
      records.push({ label, session: name, sql: step?.text ?? 'COMMIT', sent: false, waited: false, dynamic });
    };
    for (const step of steps) {
      const { kind } = step.action;
      if (kind === 'sql' || kind === 'begin' || kind === 'commit' || kind === 'rollback') push(step);
      else if (kind === 'call') throw new DesignError(`step "${step.text}": calls on components run in the model only`);
      else pending.push(step);
    }
    if (transaction === 'one') push(undefined);
    return records;
  }

  #prepare(before: readonly Step[], step: Step | undefined): string | Begin | undefined {
    for (const local of before) {
      if (this.#returned || !this.#applies(local)) continue;
      if (local.action.kind === 'return') this.#returned = true;
      else if (local.action.kind === 'assign') {
        const { name, value } = local.action;
        this.variables = { ...this.variables, [name]: value.evaluate(this.variables) };
      }
    }
    if (!step) return 'COMMIT';
    if (this.#returned || !this.#applies(step)) return undefined;
    const { action } = step;
    if (action.kind === 'sql') return bindSql(action.sql, this.variables, this.#dialect);
    if (action.kind === 'begin') return { level: action.level?.replaceAll(' ', '-') ?? this.#level };
    return action.kind === 'commit' ? 'COMMIT' : 'ROLLBACK';
  }

  #applies(step: Step): boolean {
    return step.condition === undefined || step.condition.evaluate(this.variables) === true;
  }

  /** As the model binds: the first value, one value each, a list, an object of several columns, or a row count. */
  #answered(step: Step | undefined, reply: Reply): void {
    if (!step || reply.kind === 'failure' || step.action.kind !== 'sql') return;
    const ordered = /\border\s+by\b/i.test(step.action.sql);
    const rows = reply.rows.map((row) => JSON.stringify(row));
    this.log.push(JSON.stringify([ordered ? rows : rows.sort(), reply.count]));
    const [first] = step.into;
    if (first === undefined) return;
    const row = reply.rows[0];
    const bound: Record<string, Value> = {};
    if (step.list) bound[first] = { list: reply.rows.map((values) => values[0] ?? null) };
    else if (step.into.length > 1) for (const [i, name] of step.into.entries()) bound[name] = row?.[i] ?? null;
    else if (reply.columns.length === 0) bound[first] = reply.count;
    else if (reply.columns.length === 1 || !row) bound[first] = row?.[0] ?? null;
    else bound[first] = { json: Object.fromEntries(reply.columns.map((name, i) => [name, row[i]])) };
    this.variables = { ...this.variables, ...bound };
  }
}

/** A statement with its `:parameters` as literals. @throws DesignError for one without a value. */
export function bindSql(sql: string, variables: Variables, dialect: LaboratoryDialect): string {
  return tokens(sql)
    .map((token) => {
      if (token.kind !== 'parameter') return token.text;
      const name = token.text.slice(1);
      if (!(name in variables)) throw new DesignError(`"${sql}": "${name}" has no value; give it in runs or bind it`);
      return literal(variables[name] ?? null, dialect);
    })
    .join('');
}

function literal(value: Value, dialect: LaboratoryDialect): string {
  if (value === null) return 'NULL';
  // A minus sign after another would begin a comment.
  if (typeof value === 'number') return value < 0 ? `(${value})` : String(value);
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'string') {
    const quoted = value.replaceAll("'", "''");
    return `'${dialect === 'mysql' ? quoted.replaceAll('\\', '\\\\') : quoted}'`;
  }
  if ('list' in value) {
    const items = value.list.map((item) => literal(item, dialect)).join(', ');
    return dialect === 'mysql' ? `(${items})` : `ARRAY[${items}]`;
  }
  if ('json' in value) return literal(JSON.stringify(value.json), dialect);
  if ('time' in value) return literal(new Date(value.time).toISOString().replace('T', ' ').replace('Z', ''), dialect);
  throw new DesignError('an interval or a range cannot be bound to a statement in the laboratory');
}
