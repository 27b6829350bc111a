import { Environment } from '@marcbachmann/cel-js';
import type { Value } from '../sql/values.ts';
import { DesignError } from './design.ts';

/** Values that variables of an operation hold. */
export type Variables = Readonly<Record<string, Value>>;

/** A compiled CEL expression. */
export interface Expression {
  readonly text: string;
  /** Names of the variables that it reads. */
  readonly reads: readonly string[];
  readonly evaluate: (variables: Variables) => Value;
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 30 },
});

/** Compiles a CEL expression. @throws DesignError when it is not one. */
export function compileCel(text: string): Expression {
  const parsed = parse(text);
  if (!parsed)
    throw new DesignError(`"${text}" is not a CEL expression, e.g. n >= 2, seen != null, a + b, x == 'paid'`);
  return {
    text,
    reads: identifiers(parsed.ast),
    evaluate: (variables) => {
      try {
        return fromCel(parsed(toContext(variables)));
      } catch (error) {
        const known = Object.keys(variables).join(', ') || 'none';
        throw new DesignError(`"${text}" cannot be evaluated: ${message(error)}. Variables here: ${known}`);
      }
    },
  };
}

/** Whether the text is a CEL expression. */
export function isCel(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string) {
  try {
    return environment.parse(text);
  } catch {
    return undefined;
  }
}

const message = (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));

function identifiers(node: unknown): string[] {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (Array.isArray(part)) for (const item of part) visit(item);
    else if (part !== null && typeof part === 'object' && 'op' in part && 'args' in part) {
      if (part.op === 'id' && typeof part.args === 'string') found.add(part.args);
      else visit(part.args);
    }
  };
  visit(node);
  return [...found];
}

/** CEL tells whole numbers from fractions; JavaScript does not. */
function toCel(value: Value): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if ('list' in value) return value.list.map(toCel);
  if ('json' in value) return jsonToCel(value.json);
  return 'time' in value ? new Date(value.time) : JSON.stringify(value);
}

function jsonToCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(jsonToCel);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonToCel(part)]));
  }
  return value;
}

const toContext = (variables: Variables) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, toCel(value)]));

function fromCel(value: unknown): Value {
  const plain = jsonFromCel(value);
  if (Array.isArray(plain)) return { list: plain as Value[] };
  if (plain instanceof Date) return { time: plain.getTime() };
  if (plain !== null && typeof plain === 'object') return { json: plain };
  return (plain ?? null) as Value;
}

function jsonFromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(jsonFromCel);
  if (value instanceof Date) return value;
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, part]) => [String(key), jsonFromCel(part)]));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonFromCel(part)]));
  }
  return value;
}
