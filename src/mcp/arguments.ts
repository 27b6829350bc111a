import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { AnyTool } from '../tools/any-tool.ts';
import { ToolError } from '../tools/tool.ts';
import { emitSchema, type JsonSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What a JSON string may stand for when the schema wants something else. */
const DECODABLE = new Set(['array', 'object', 'record', 'number', 'int', 'boolean', 'null', 'map', 'tuple']);
const SHOWN_FAULTS = 12;

/**
 * Checks the arguments of a call. Some clients send arrays, objects, numbers and booleans as JSON strings; where the
 * schema wants one of these and finds a string that parses as one, the parsed value is taken.
 *
 * @throws ToolError that names each fault, what was given and what is allowed.
 */
export function readArguments(tool: AnyTool, given: unknown): Record<string, unknown> {
  let value: unknown = given ?? {};
  let parsed = tool.input.safeParse(value, { reportInput: true });
  // Each round decodes one layer; values nested in decoded strings may need another.
  for (let round = 0; !parsed.success && round < 4; round++) {
    const decoded = decodeStrings(value, parsed.error.issues);
    if (decoded === undefined) break;
    value = decoded;
    parsed = tool.input.safeParse(value, { reportInput: true });
  }
  if (parsed.success) return parsed.data;
  const schema = emitSchema(tool.input, 'input');
  // A misspelt argument is often the cause of a missing one, so it comes first.
  const unknownFirst = (issue: Issue) => (issue.code === 'unrecognized_keys' ? 0 : 1);
  const issues = [...parsed.error.issues].sort((a, b) => unknownFirst(a) - unknownFirst(b));
  const faults = [...new Set(issues.flatMap((issue) => describe(issue, schema)))];
  const shown = faults.slice(0, SHOWN_FAULTS).map((fault) => `- ${fault}`);
  if (faults.length > SHOWN_FAULTS) shown.push(`- and ${faults.length - SHOWN_FAULTS} more`);
  throw new ToolError(
    [
      `The arguments of ${tool.name} cannot be used:`,
      ...shown,
      `Allowed: ${argumentList(schema)}. Correct them and call ${tool.name} again.`,
    ].join('\n'),
  );
}

function decodeStrings(value: unknown, issues: readonly Issue[], prefix: Path = []): unknown {
  let result: unknown;
  for (const issue of issues) {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'invalid_union') {
      for (const branch of issue.errors) {
        const decoded = decodeStrings(result ?? value, branch, path);
        if (decoded !== undefined) result = decoded;
      }
    } else if (issue.code === 'invalid_type' && DECODABLE.has(issue.expected)) {
      const text = at(result ?? value, path);
      const inner = typeof text === 'string' ? parseJson(text) : undefined;
      // A second string would be no nearer to what the schema wants.
      if (inner !== undefined && typeof inner !== 'string') result = put(result ?? value, path, inner);
    }
  }
  return result;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function at(value: unknown, path: Path): unknown {
  let inner = value;
  for (const key of path) {
    if (inner === null || typeof inner !== 'object' || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[key];
  }
  return inner;
}

function put(value: unknown, path: Path, replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<PropertyKey, unknown>;
  copy[key] = put(copy[key], rest, replacement);
  return copy;
}

function describe(issue: Issue, schema: JsonSchema): string[] {
  const where = issue.path.length === 0 ? '' : `${pathText(issue.path)}: `;
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema, issue.path);
    return issue.keys.slice(0, SHOWN_FAULTS).map((key) => `${where}${unknownKey(key, allowed)}`);
  }
  if (issue.code === 'invalid_union') return describeUnion(issue, schema);
  if (issue.code === 'invalid_type' && !('input' in issue && issue.input !== undefined)) {
    return [`${where}is missing; expected ${issue.expected}`];
  }
  if (issue.code === 'invalid_value') {
    const nearest = typeof issue.input === 'string' ? near(issue.input, issue.values.map(String)) : undefined;
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
    return [`${where}expected one of ${issue.values.join(', ')}; given ${shown(issue.input)}${hint}`];
  }
  return [`${where}${issue.message}; given ${shown(issue.input)}`];
}

/** The branch that came furthest says what is wrong; where none fits at all, the types are named. */
function describeUnion(issue: Extract<Issue, { code: 'invalid_union' }>, schema: JsonSchema): string[] {
  const branches = issue.errors.map((branch) =>
    branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue),
  );
  const typed = branches.filter((branch) =>
    branch.every((inner) => !(inner.code === 'invalid_type' && inner.path.length === issue.path.length)),
  );
  const best = typed.sort((a, b) => a.length - b.length)[0];
  if (best !== undefined) return best.flatMap((inner) => describe(inner, schema));
  const expected = [
    ...new Set(branches.flat().flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : []))),
  ];
  return [`${pathText(issue.path)}: expected ${expected.join(' or ') || issue.message}; given ${shown(issue.input)}`];
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const nearest = near(key, allowed);
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  const names = allowed.length === 0 ? '' : `; allowed: ${allowed.join(', ')}`;
  return `${shown(key)} is unknown${hint}${names}`;
}

function near(word: string, words: readonly string[]): string | undefined {
  if (words.length === 0 || word.length > 60) return undefined;
  const best = closest(word.toLowerCase(), words as string[]);
  return distance(word.toLowerCase(), best.toLowerCase()) <= Math.max(2, Math.floor(best.length / 3))
    ? best
    : undefined;
}

/** Names of the properties that the schema has at `path`. */
function keysAt(schema: JsonSchema, path: Path): string[] {
  let candidates: JsonSchema[] = [schema];
  const spread = (list: JsonSchema[]): JsonSchema[] =>
    list.flatMap((one) =>
      [one, ...['anyOf', 'oneOf', 'allOf'].flatMap((key) => (one[key] as JsonSchema[] | undefined) ?? [])].filter(
        Boolean,
      ),
    );
  for (const key of path) {
    candidates = spread(candidates).flatMap((one) => {
      const properties = one.properties as Record<string, JsonSchema> | undefined;
      if (typeof key === 'string' && properties !== undefined && Object.hasOwn(properties, key)) {
        return [properties[key] as JsonSchema];
      }
      const inner = typeof key === 'number' ? one.items : one.additionalProperties;
      return inner !== null && typeof inner === 'object' ? [inner as JsonSchema] : [];
    });
  }
  return [...new Set(spread(candidates).flatMap((one) => Object.keys((one.properties as object | undefined) ?? {})))];
}

function argumentList(schema: JsonSchema): string {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  return Object.keys((schema.properties as object | undefined) ?? {})
    .map((name) => (required.has(name) ? `${name} (required)` : name))
    .join(', ');
}

const pathText = (path: Path) =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text ??= typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
