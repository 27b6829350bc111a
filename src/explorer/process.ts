import { commit, disconnect, execute, type Outcome, rollback } from '../components/database/session.ts';
import type { DatabaseState } from '../components/database/state.ts';
import type { Access } from '../components/database/statement.ts';
import { callService, type ServiceState } from '../components/service.ts';
import { toText, type Value } from '../sql/values.ts';
import { bind, type Instruction, type Process, type Program } from './program.ts';

/** Where one request stands. Plain data. */
export interface Local {
  /** Next instruction. */
  pc: number;
  variables: Readonly<Record<string, Value>>;
  /** Tries so far, beginning with 0. */
  attempt: number;
  status: 'ready' | 'waiting' | 'failing' | 'done' | 'aborted' | 'dead';
  /** Whether a transaction is open. */
  open: boolean;
  /** What its statements answered, for comparing with serial executions. */
  log: readonly string[];
  /** Error code of the last failure. */
  code?: string;
}

/** One thing that may happen next. */
export interface Move {
  /** Index of the component that it touches; 0 is the database. */
  readonly component: number;
  readonly fault: boolean;
  readonly perform: (state: unknown) => readonly Effect[];
}

/** A result of a move. */
export interface Effect {
  readonly state: unknown;
  readonly local: Local;
  readonly fault: boolean;
  readonly label: Label;
}

/** A line of a timeline. */
export interface Label {
  readonly process: number;
  readonly text: string;
  readonly effect: string;
  /** Rows that a statement read and wrote. */
  readonly access?: Access;
  readonly kind: 'statement' | 'commit' | 'rollback' | 'call' | 'fault' | 'waits' | 'error';
}

const DATABASE = 0;

/** The state in which a request begins, or begins again. */
export function start(program: Program, index: number, attempt = 0): Local {
  const process = program.processes[index] as Process;
  return advance(process, { pc: 0, variables: process.parameters, attempt, status: 'ready', open: false, log: [] });
}

/** Runs what touches nothing but variables, up to the next visible instruction. */
function advance(process: Process, from: Local): Local {
  let local = from;
  for (;;) {
    const instruction = process.instructions[local.pc];
    if (!instruction) return { ...local, status: 'done' };
    if (instruction.condition && instruction.condition.evaluate(local.variables) !== true) {
      local = { ...local, pc: local.pc + 1 };
      continue;
    }
    switch (instruction.kind) {
      case 'assign':
        local = {
          ...local,
          pc: local.pc + 1,
          variables: { ...local.variables, [instruction.name]: instruction.value.evaluate(local.variables) },
        };
        continue;
      case 'return':
        local = {
          ...local,
          pc: lastCommit(process),
          log: [...local.log, `return ${toText(instruction.value?.evaluate(local.variables) ?? null)}`],
        };
        continue;
      case 'begin':
        local = { ...local, pc: local.pc + 1 };
        continue;
      case 'commit':
        if (local.open) return local;
        local = { ...local, pc: local.pc + 1 };
        continue;
      default:
        return local;
    }
  }
}

const lastCommit = (process: Process) =>
  process.transaction === 'one' ? process.instructions.length - 1 : process.instructions.length;

/** Everything that request `index` may do or suffer next. */
export function moves(program: Program, index: number, local: Local): readonly Move[] {
  const process = program.processes[index] as Process;
  const label = (kind: Label['kind'], text: string, effect: string, access?: Access): Label => ({
    process: index,
    kind,
    text,
    effect,
    ...(access && { access }),
  });
  const fail = (state: unknown, from: Local, line: Label, fault: boolean): Effect => ({
    state,
    local: failed(program, index, from, line),
    fault,
    label: line,
  });

  if (local.status === 'done') {
    if (local.attempt >= process.operation.retries) return [];
    const line = label('fault', 'answer lost', 'the caller tries again');
    return [
      {
        component: DATABASE,
        fault: true,
        perform: (state) => [{ state, local: start(program, index, local.attempt + 1), fault: true, label: line }],
      },
    ];
  }
  if (local.status === 'aborted' || local.status === 'dead') return [];
  if (local.status === 'failing') {
    return [
      {
        component: DATABASE,
        fault: false,
        perform: (state) => {
          const after = rollback(program.context, state as DatabaseState, index);
          return [fail(after, { ...local, open: false }, label('rollback', 'ROLLBACK', ''), false)];
        },
      },
    ];
  }

  const instruction = process.instructions[local.pc] as Instruction;
  const next = (changes: Partial<Local>): Local =>
    advance(process, { ...local, status: 'ready', pc: local.pc + 1, ...changes });
  const found: Move[] = [];
  switch (instruction.kind) {
    case 'sql': {
      const autocommit =
        process.transaction === 'none' || (process.transaction === 'explicit' && !inTransaction(process, local.pc));
      const parameters = bind(instruction.parameters, local.variables);
      found.push({
        component: DATABASE,
        fault: false,
        perform: (state) => {
          const caller = { session: index, control: levelAt(process, local.pc).control, autocommit };
          const outcome = execute(program.context, state as DatabaseState, caller, instruction.plan, parameters);
          const text = written(instruction.text, instruction.parameters, parameters);
          if (outcome.kind === 'waits')
            return waiting(
              local,
              state,
              outcome,
              label('waits', text, `waits for ${outcome.on.map((by) => program.processes[by]?.name).join(', ')}`),
            );
          if (outcome.kind === 'error')
            return [
              fail(
                outcome.state,
                { ...local, open: false },
                label('error', text, `${outcome.code} ${outcome.message}`),
                false,
              ),
            ];
          const { result } = outcome;
          const rows = instruction.ordered
            ? result.rows
            : [...result.rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
          const local2 = next({
            open: local.open || !autocommit,
            variables: assign(local.variables, instruction, result),
            log: [...local.log, JSON.stringify([rows, result.count])],
          });
          return [
            {
              state: outcome.state,
              local: local2,
              fault: false,
              label: label('statement', text, shown(result, instruction.plan.kind), result.access),
            },
          ];
        },
      });
      break;
    }
    case 'call': {
      const service = program.services[instruction.component];
      const args = Object.fromEntries(
        instruction.arguments.map((argument) => [argument.name, argument.value.evaluate(local.variables)]),
      );
      const text = `${service?.name}.${instruction.verb}(${Object.entries(args)
        .map(([name, value]) => `${name}: ${toText(value)}`)
        .join(', ')})`;
      found.push({
        component: instruction.component + 1,
        fault: false,
        perform: (state) =>
          callService(
            state as ServiceState,
            { verb: instruction.verb, arguments: args, by: index, request: process.parameters },
            service?.idempotencyKey,
          ).map((outcome) => {
            const line = label(outcome.fault ? 'fault' : 'call', text, outcome.says);
            if (outcome.answer === undefined) {
              return local.open
                ? {
                    state: outcome.state,
                    local: { ...local, status: 'failing', code: 'time-out' },
                    fault: true,
                    label: line,
                  }
                : fail(outcome.state, { ...local, code: 'time-out' }, line, true);
            }
            const variables =
              instruction.into[0] === undefined
                ? local.variables
                : { ...local.variables, [instruction.into[0]]: outcome.answer };
            return { state: outcome.state, local: next({ variables }), fault: false, label: line };
          }),
      });
      break;
    }
    case 'commit':
      found.push({
        component: DATABASE,
        fault: false,
        perform: (state) => {
          const outcome = commit(program.context, state as DatabaseState, index);
          if (outcome.kind === 'error')
            return [
              fail(
                outcome.state,
                { ...local, open: false },
                label('error', 'COMMIT', `${outcome.code} ${outcome.message}`),
                false,
              ),
            ];
          return [
            { state: outcome.state, local: next({ open: false }), fault: false, label: label('commit', 'COMMIT', '') },
          ];
        },
      });
      break;
    case 'rollback':
      found.push({
        component: DATABASE,
        fault: false,
        perform: (state) => {
          const after = rollback(program.context, state as DatabaseState, index);
          return [
            {
              state: after,
              local: { ...local, status: 'aborted', open: false, code: 'rolled back' },
              fault: false,
              label: label('rollback', 'ROLLBACK', 'by the operation itself'),
            },
          ];
        },
      });
  }
  if (process.crashes && (local.log.length > 0 || local.open || local.pc > 0)) {
    const again = local.attempt < process.operation.retries;
    const line = label('fault', 'crash', again ? 'the caller tries again' : 'nobody goes on');
    found.push({
      component: DATABASE,
      fault: true,
      perform: (state) => {
        const after = disconnect(program.context, state as DatabaseState, index);
        return [
          {
            state: after,
            local: again ? start(program, index, local.attempt + 1) : { ...local, status: 'dead', open: false },
            fault: true,
            label: line,
          },
        ];
      },
    });
  }
  return found;
}

/** A statement that still waits as before is not a move. */
function waiting(local: Local, before: unknown, outcome: Extract<Outcome, { kind: 'waits' }>, line: Label): Effect[] {
  if (local.status === 'waiting' && JSON.stringify(before) === JSON.stringify(outcome.state)) return [];
  return [{ state: outcome.state, local: { ...local, status: 'waiting', open: true }, fault: false, label: line }];
}

/** After an error the caller tries again, or gives up. */
function failed(program: Program, index: number, local: Local, line: Label): Local {
  const process = program.processes[index] as Process;
  if (local.attempt < process.operation.retries) return start(program, index, local.attempt + 1);
  const code = local.code ?? line.effect.split(' ')[0] ?? '';
  return { ...local, status: 'aborted', open: false, code };
}

function inTransaction(process: Process, pc: number): boolean {
  for (let i = pc - 1; i >= 0; i--) {
    const kind = process.instructions[i]?.kind;
    if (kind === 'begin') return true;
    if (kind === 'commit' || kind === 'rollback') return false;
  }
  return false;
}

function levelAt(process: Process, pc: number) {
  for (let i = pc - 1; i >= 0; i--) {
    const instruction = process.instructions[i];
    if (instruction?.kind === 'begin') return instruction.level;
  }
  return process.level;
}

interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly count: number;
}

/**
 * `n := SELECT one column` gives its first value, several columns an object, `n[] := SELECT` the list of first values,
 * and a change its row count.
 */
function assign(
  variables: Local['variables'],
  step: Extract<Instruction, { kind: 'sql' }>,
  answer: Answer,
): Local['variables'] {
  const { into, list, plan } = step;
  const [first] = into;
  if (first === undefined) return variables;
  if (list) return { ...variables, [first]: { list: answer.rows.map((values) => values[0] ?? null) } };
  const row = answer.rows[0];
  if (into.length > 1) return { ...variables, ...Object.fromEntries(into.map((name, i) => [name, row?.[i] ?? null])) };
  if (plan.kind !== 'select' && answer.columns.length === 0) return { ...variables, [first]: answer.count };
  if (answer.columns.length <= 1) return { ...variables, [first]: row?.[0] ?? null };
  if (!row) return { ...variables, [first]: null };
  const plain = (value: Value) =>
    value !== null && typeof value === 'object' ? ('json' in value ? value.json : toText(value)) : value;
  return {
    ...variables,
    [first]: { json: Object.fromEntries(answer.columns.map((name, i) => [name, plain(row[i] ?? null)])) },
  };
}

function shown(answer: Answer, kind: string): string {
  const rows = answer.rows.slice(0, 3).map((row) => row.map(toText).join(', '));
  const more = answer.rows.length > 3 ? ` and ${answer.rows.length - 3} more` : '';
  if (kind === 'select') return answer.rows.length === 0 ? 'no row' : `${rows.join(' | ')}${more}`;
  return answer.rows.length > 0 ? `${rows.join(' | ')}${more}` : `${answer.count} row${answer.count === 1 ? '' : 's'}`;
}

function written(text: string, names: readonly string[], values: readonly Value[]): string {
  const step = text
    .replace(/^if\s[\s\S]*?:\s+(?=\(|\w+\s*:=|insert|update|delete|select|with)/i, '')
    .replace(/^(\([^)]*\)|\w+)\s*:=\s*/, '');
  return names.reduce((line, name, i) => {
    const value = values[i] ?? null;
    return line.replaceAll(new RegExp(`:${name}\\b`, 'g'), typeof value === 'string' ? `'${value}'` : toText(value));
  }, step);
}
