import { DesignError } from './design.ts';
import { compileCel, type Expression, isCel } from './expression.ts';

/** What a step does. */
export type Action =
  | { readonly kind: 'sql'; readonly sql: string }
  | {
      readonly kind: 'call';
      readonly component: string;
      readonly verb: string;
      readonly arguments: readonly { readonly name: string; readonly value: Expression }[];
    }
  /** Waits until the SELECT gives a row. */
  | { readonly kind: 'await'; readonly sql: string }
  | { readonly kind: 'begin'; readonly level?: string }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'return'; readonly value?: Expression }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expression };

/** A step: what it does, when, and where the answer goes. */
export interface Step {
  readonly text: string;
  readonly condition?: Expression;
  /** Names that receive the answer; several receive one column each. */
  readonly into: readonly string[];
  /** `name[] := SELECT ...`: the name receives the list of all values of the first column. */
  readonly list: boolean;
  readonly action: Action;
}

const SQL_START =
  /^(select|insert|update|delete|with|merge|values|savepoint|release|set|lock|rollback\s+to|table|create|alter|drop|truncate|call)\b/i;

/**
 * Reads `[if EXPR:] [NAME :=] (SQL | component.verb(args) | begin [LEVEL] | commit | rollback | await SELECT | return EXPR | NAME = EXPR)`.
 *
 * @throws DesignError that quotes the step and says what is allowed.
 */
export function parseStep(text: string, components: readonly string[]): Step {
  const { condition, rest } = splitCondition(text.trim());
  const bound = /^(?:\(([^)]*)\)|([A-Za-z_]\w*))(\[\])?\s*:=\s*([\s\S]+)$/.exec(rest);
  const into = bound ? (bound[1] ?? bound[2] ?? '').split(',').map((name) => name.trim()) : [];
  const action = parseAction((bound?.[4] ?? rest).trim(), text, components);
  if (into.length > 0 && action.kind !== 'sql' && action.kind !== 'call') {
    throw new DesignError(
      `step "${text}": only SQL and calls on components can be bound with :=; write NAME = EXPR for an expression`,
    );
  }
  return { text: text.trim(), ...(condition && { condition }), into, list: bound?.[3] !== undefined, action };
}

/** The condition ends at the first colon before which the text is an expression. */
function splitCondition(text: string): { condition?: Expression; rest: string } {
  const match = /^if\s+/i.exec(text);
  if (!match) return { rest: text };
  const body = text.slice(match[0].length);
  for (let at = body.indexOf(':'); at >= 0; at = body.indexOf(':', at + 1)) {
    const head = body.slice(0, at).trim();
    if (isCel(head)) return { condition: compileCel(head), rest: body.slice(at + 1).trim() };
  }
  throw new DesignError(`step "${text}": write it as "if EXPR: STEP", where EXPR is CEL, e.g. if n >= 2: UPDATE ...`);
}

function parseAction(text: string, step: string, components: readonly string[]): Action {
  const bare = text.replace(/;\s*$/, '');
  const begin = /^(?:begin|start)(?:\s+(?:transaction|work))?(?:\s+(?:isolation\s+level\s+)?([a-z ]+))?$/i.exec(bare);
  if (begin) return { kind: 'begin', ...(begin[1] && { level: begin[1].trim().toLowerCase() }) };
  if (/^(commit|end)(\s+(transaction|work))?$/i.test(bare)) return { kind: 'commit' };
  if (/^(rollback|abort)(\s+(transaction|work))?$/i.test(bare)) return { kind: 'rollback' };
  const awaited = /^await\s+(select\b[\s\S]+)$/i.exec(bare);
  if (awaited) return { kind: 'await', sql: awaited[1] ?? '' };
  const returned = /^return\b\s*([\s\S]*)$/i.exec(bare);
  if (returned) return { kind: 'return', ...(returned[1] && { value: compileCel(keyed(returned[1])) }) };
  if (SQL_START.test(bare)) return { kind: 'sql', sql: bare };
  const call = /^([A-Za-z_]\w*)\.([A-Za-z_]\w*)\s*\(([\s\S]*)\)$/.exec(bare);
  if (call) {
    const [, component = '', verb = '', args = ''] = call;
    if (!components.includes(component)) {
      throw new DesignError(
        `step "${step}": there is no component "${component}"; components: ${components.join(', ') || 'none'}`,
      );
    }
    return { kind: 'call', component, verb, arguments: parseArguments(args) };
  }
  const assigned = /^([A-Za-z_]\w*)\s*=\s*([^=][\s\S]*)$/.exec(bare);
  if (assigned) return { kind: 'assign', name: assigned[1] ?? '', value: compileCel(keyed(assigned[2] ?? '')) };
  throw new DesignError(
    `step "${step}" is none of: SQL, component.verb(name: value), begin [LEVEL], commit, rollback, await SELECT, return EXPR, NAME = EXPR`,
  );
}

function parseArguments(text: string): { name: string; value: Expression }[] {
  return splitTopLevel(text).map((part, index) => {
    const named = /^([A-Za-z_]\w*)\s*:\s*([\s\S]+)$/.exec(part);
    if (named) return { name: named[1] ?? '', value: compileCel(keyed(named[2] ?? '')) };
    return { name: index === 0 ? 'value' : `value${index + 1}`, value: compileCel(keyed(part)) };
  });
}

/** Lets `{request: r}` mean the key "request", as everybody writes it. */
const keyed = (text: string) => text.replace(/([{,]\s*)([A-Za-z_]\w*)\s*:(?!:)/g, '$1"$2":');

function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (quote) quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}
