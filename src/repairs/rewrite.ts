import type { Design, Operation } from '../design/design.ts';
import { parseStep, type Step } from '../design/step.ts';
import { commaList } from '../sql/dialects/rewriting.ts';
import { tokens } from '../sql/tokens.ts';

/** A SELECT on one table. */
export interface SimpleSelect {
  readonly columns: string;
  readonly table: string;
  readonly alias: string;
  readonly where: string | undefined;
  /** GROUP BY, ORDER BY, LIMIT, with the words. */
  readonly tail: string;
  readonly locking: boolean;
  readonly aggregate: boolean;
}

/** An UPDATE of one table without FROM. */
export interface SimpleUpdate {
  readonly table: string;
  readonly set: readonly { readonly column: string; readonly value: string }[];
  readonly where: string | undefined;
}

const NOT_ALIAS =
  '(?!where\\b|group\\b|order\\b|limit\\b|for\\b|having\\b|join\\b|left\\b|inner\\b|cross\\b|on\\b|union\\b)';
const SELECT = new RegExp(
  `^select\\s+([\\s\\S]+?)\\s+from\\s+("?\\w+"?)(?:\\s+(?:as\\s+)?${NOT_ALIAS}(\\w+))?(?:\\s+where\\s+([\\s\\S]+?))?(\\s+(?:group\\s+by|order\\s+by|limit)\\b[\\s\\S]*?)?(\\s+for\\s+(?:update|share|no\\s+key\\s+update|key\\s+share)\\b[\\s\\S]*|\\s+lock\\s+in\\s+share\\s+mode)?$`,
  'i',
);

/** Reads a SELECT on one table; undefined for anything else. */
export function readSelect(sql: string): SimpleSelect | undefined {
  const match = SELECT.exec(sql.trim().replace(/;$/, ''));
  if (!match) return undefined;
  const [, columns = '', table = '', alias = '', where, tail = '', locking] = match;
  if (/\b(union|intersect|except|join)\b/i.test(sql) || /,/.test(table)) return undefined;
  return {
    columns,
    table,
    alias,
    where,
    tail,
    locking: locking !== undefined,
    aggregate: /\b(count|sum|min|max|avg|exists|bool_and|bool_or)\s*\(/i.test(columns),
  };
}

/** Reads an UPDATE without FROM; undefined for anything else. */
export function readUpdate(sql: string): SimpleUpdate | undefined {
  const match = /^update\s+("?\w+"?)\s+set\s+([\s\S]+?)(?:\s+where\s+([\s\S]+))?$/i.exec(sql.trim().replace(/;$/, ''));
  if (!match || /\breturning\b|\bfrom\b/i.test(sql)) return undefined;
  const [, table = '', list = '', where] = match;
  const set = commaList(list).map((part) => {
    const at = part.indexOf('=');
    return { column: part.slice(0, at).trim(), value: part.slice(at + 1).trim() };
  });
  return set.some((item) => item.column.startsWith('(')) ? undefined : { table, set, where };
}

/** Name of the table that a statement changes. */
export function changedTable(sql: string): string | undefined {
  return /^(?:update|insert\s+(?:ignore\s+)?into|delete\s+from|merge\s+into)\s+"?(\w+)"?/i
    .exec(sql.trim())?.[1]
    ?.toLowerCase();
}

/** Steps of an operation, parsed; their SQL without comments and without quotes that change nothing. */
export function stepsOf(operation: Operation, design: Design): Step[] {
  const components = design.components.map((component) => component.name);
  return operation.steps.map((text) => {
    const step = parseStep(text, components);
    return step.action.kind === 'sql' ? { ...step, action: { ...step.action, sql: plainSql(step.action.sql) } } : step;
  });
}

/** Lower-case names mean the same with and without quotes; `"` quotes a string in MySQL, and names there have backticks. */
function plainSql(sql: string): string {
  const mysql = sql.includes('`');
  return tokens(sql)
    .map((token) => {
      if (token.kind === 'space') return ' ';
      const name = token.kind === 'quoted' ? token.text.slice(1, -1) : '';
      const plain = /^[a-z_][a-z0-9_]*$/.test(name) && (token.text.startsWith('`') || !mysql);
      return plain ? name : token.text;
    })
    .join('')
    .replace(/\b(from|into|update|join)\s+public\./gi, '$1 ')
    .trim();
}

/** SQL of a step, or undefined. */
export const sqlOf = (step: Step | undefined) => (step?.action.kind === 'sql' ? step.action.sql : undefined);

/** Writes a step with other SQL. */
export function withSql(step: Pick<Step, 'condition' | 'into' | 'list'>, sql: string): string {
  const names = step.into.length > 1 ? `(${step.into.join(', ')})` : step.into[0];
  const bound = names === undefined ? '' : `${names}${step.list ? '[]' : ''} := `;
  return `${step.condition ? `if ${step.condition.text}: ` : ''}${bound}${sql}`;
}

/** Writes a CEL condition as SQL, with variables replaced as `name` says. */
export function celToSql(text: string, name: (variable: string) => string): string {
  return text
    .replaceAll('&&', ' AND ')
    .replaceAll('||', ' OR ')
    .replaceAll('==', '=')
    .replaceAll('!=', '<>')
    .replace(/\b(?!AND\b|OR\b|true\b|false\b|null\b)[A-Za-z_]\w*\b(?!')/g, (variable) => name(variable))
    .replace(/\s+/g, ' ')
    .trim();
}

/** The same design with other steps in its operations; `change` gets each operation and returns its new steps. */
export function mapOperations(design: Design, change: (operation: Operation, steps: Step[]) => string[]): Design {
  return {
    ...design,
    operations: design.operations.map((operation) => ({
      ...operation,
      steps: change(operation, stepsOf(operation, design)),
    })),
  };
}

/** Steps of the new design that the old one does not have, with the name of their operation. */
export function changedSteps(before: Design, after: Design): string[] {
  return after.operations.flatMap((operation, i) => {
    const old = new Set(before.operations[i]?.steps);
    return operation.steps
      .filter((step) => !old.has(step))
      .map((step) => (after.operations.length > 1 ? `${operation.name}: ${step}` : step));
  });
}

/** Steps that stand where the old design had other ones, each once. */
export function replacedSteps(before: Design, after: Design): string[] {
  const replaced = after.operations.flatMap((operation, i) =>
    operation.steps.filter((step, j) => step !== before.operations[i]?.steps[j]),
  );
  return [...new Set(replaced)];
}

/** Whether two designs have the same steps. */
export const sameSteps = (a: Design, b: Design) =>
  JSON.stringify(a.operations.map((operation) => operation.steps)) ===
  JSON.stringify(b.operations.map((operation) => operation.steps));

/** A variable name that the operation does not use yet. */
export function freshName(wanted: string, operation: Operation): string {
  const text = operation.steps.join('\n');
  let name = wanted;
  for (let i = 2; new RegExp(`\\b${name}\\b`).test(text); i++) name = `${wanted}${i}`;
  return name;
}
