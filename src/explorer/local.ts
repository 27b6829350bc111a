import type { Access } from '../components/database/statement.ts';
import { toText, type Value } from '../sql/values.ts';
import type { Instruction, Process, Program } from './program.ts';

/** Where one request stands. Plain data. */
export interface Local {
  /** Next instruction. */
  readonly pc: number;
  readonly variables: Readonly<Record<string, Value>>;
  /** Tries so far, beginning with 0. */
  readonly attempt: number;
  readonly status: 'ready' | 'waiting' | 'failing' | 'crashing' | 'done' | 'aborted' | 'dead';
  /** Whether a transaction is open. */
  readonly open: boolean;
  /** A statement that commits alone has run and not committed yet. */
  readonly committing?: true;
  /** What its statements answered, for comparing with serial executions. */
  readonly log: readonly string[];
  /** Guarantees that it saw broken, e.g. `linearizable`. */
  readonly broke?: readonly string[];
  /** Error code of the last failure. */
  readonly code?: string;
  /** While it crashes: components that still have to notice. */
  readonly notify?: readonly number[];
}

/** A line of a timeline. */
export interface Label {
  /** Index of the request; -1 for something that happened by itself. */
  readonly process: number;
  readonly text: string;
  readonly effect: string;
  /** Rows that a statement read and wrote. */
  readonly access?: Access;
  readonly kind: 'statement' | 'commit' | 'autocommit' | 'rollback' | 'call' | 'fault' | 'waits' | 'error' | 'event';
}

/** Whether a request takes no further step by itself. */
export const hasEnded = (local: Local) =>
  local.status === 'done' || local.status === 'aborted' || local.status === 'dead';

/** The state in which a request begins, or begins again. */
export function start(program: Program, index: number, attempt = 0, broke?: readonly string[]): Local {
  const process = program.processes[index] as Process;
  return advance(process, {
    pc: 0,
    variables: process.parameters,
    attempt,
    status: 'ready',
    open: false,
    log: [],
    ...(broke && { broke }),
  });
}

/** Runs what touches nothing but variables, up to the next visible instruction. */
export function advance(process: Process, from: Local): Local {
  let local = from;
  for (;;) {
    if (local.committing) return local;
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
      case 'return': {
        const answer = `return ${toText(instruction.value?.evaluate(local.variables) ?? null)}`;
        const last = process.transaction === 'one' ? process.instructions.length - 1 : process.instructions.length;
        local = { ...local, pc: last, log: [...local.log, answer] };
        continue;
      }
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

/** After an error the caller tries again, or gives up. */
export function afterError(program: Program, index: number, local: Local, code: string): Local {
  const process = program.processes[index] as Process;
  if (local.attempt < process.operation.retries) return start(program, index, local.attempt + 1, local.broke);
  return { ...local, status: 'aborted', open: false, code: local.code ?? code };
}

/** What a statement answered. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly count: number;
}

/**
 * `n := SELECT one column` gives its first value, several columns an object, `n[] := SELECT` the list of first values,
 * and a change its row count.
 */
export function assign(
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

/** An answer in the few words of a timeline. */
export function shown(answer: Answer, kind: string): string {
  const rows = answer.rows.slice(0, 3).map((row) => row.map(toText).join(', '));
  const more = answer.rows.length > 3 ? ` and ${answer.rows.length - 3} more` : '';
  if (kind === 'select') return answer.rows.length === 0 ? 'no row' : `${rows.join(' | ')}${more}`;
  return answer.rows.length > 0 ? `${rows.join(' | ')}${more}` : `${answer.count} row${answer.count === 1 ? '' : 's'}`;
}

/** A step without condition and binding, with the values of its parameters. */
export function written(text: string, names: readonly string[], values: readonly Value[]): string {
  const bare = text
    .replace(/^if\s[\s\S]*?:\s+(?=\(|\w+(\[\])?\s*:=|insert|update|delete|select|with|merge)/i, '')
    .replace(/^(\([^)]*\)|\w+)(\[\])?\s*:=\s*/, '');
  return names.reduce((line, name, i) => {
    const value = values[i] ?? null;
    const literal = typeof value === 'string' ? `'${value}'` : toText(value);
    return line.replaceAll(new RegExp(`(?<!:):${name}\\b`, 'g'), () => literal);
  }, bare);
}
