import type { Design, Operation } from '../design/design.ts';
import { DesignError } from '../design/design.ts';
import { parseStep, type Step } from '../design/step.ts';
import { type Dialect, parseSql, type Statement } from '../sql/parse.ts';
import type { Schema } from '../sql/schema.ts';
import { NotRead, type Term, type Touch, touchesOf } from './touches.ts';

/** How many rows a statement finds on a path. */
export type Rows = 0 | 1 | 2;

/** A statement on a path through an operation. */
export interface PathStatement {
  readonly text: string;
  readonly groups: readonly (readonly Touch[])[];
  readonly rows: Rows;
  /** Names that receive columns of the row that a SELECT finds, with the columns. */
  readonly binds: readonly { readonly term: Term; readonly column: string }[];
}

/** One transaction on one path. */
export interface PathTransaction {
  /** The step at which it begins: the same on all paths. */
  readonly begins: number;
  readonly level?: string;
  readonly statements: readonly PathStatement[];
}

/** What could not be read, and where. */
export interface Gap {
  readonly where: string;
  readonly what: string;
}

interface Line {
  readonly step: Step;
  readonly statement?: Statement;
}

const MOST_PATHS = 16;

/**
 * The paths through an operation: each condition may hold or not (the same condition on unchanged variables alike), each
 * statement that may find no row does or does not, and one by predicate finds one row, two, or none.
 *
 * @returns the transactions of each path; `complete` is false when only paths with one deviation were taken.
 */
export function pathsOf(
  design: Design,
  operation: Operation,
  schema: Schema,
  dialect: Dialect,
  gaps: Gap[],
): { readonly paths: readonly (readonly PathTransaction[])[]; readonly complete: boolean } {
  const lines: Line[] = [];
  const components = design.components.map((component) => component.name);
  for (const text of operation.steps) {
    const step = parseStep(text, components);
    let statement: Statement | undefined;
    if (step.action.kind === 'sql') {
      try {
        const parsed = parseSql(step.action.sql, dialect);
        if (parsed.length !== 1) throw new NotRead('several statements in one step');
        statement = parsed[0] as Statement;
        // Read once for its gaps; paths read it again with the versions of its parameters.
        touchesOf(statement.tree, schema, (n) => `:${n}`);
      } catch (error) {
        if (!(error instanceof NotRead) && (error as Error).name !== 'SqlInputError') throw error;
        gaps.push({ where: `${operation.name}: ${text.slice(0, 80)}`, what: (error as Error).message.slice(0, 120) });
      }
    }
    lines.push({ step, ...(statement && { statement }) });
  }
  if (gaps.length > 0) return { paths: [], complete: true };
  for (const deviations of [Number.POSITIVE_INFINITY, 1]) {
    const walker = new Walker(operation, lines, schema, deviations);
    if (walker.walk()) return { paths: walker.paths, complete: deviations > 1 };
  }
  throw new DesignError(`operation "${operation.name}" has too many paths`);
}

/** What is known at a point of a path. */
interface State {
  readonly versions: ReadonlyMap<string, number>;
  readonly counts: ReadonlyMap<string, number>;
  readonly decided: ReadonlyMap<string, boolean>;
  readonly deviations: number;
  readonly done: readonly PathTransaction[];
  readonly open?: PathTransaction;
}

class Walker {
  readonly paths: (readonly PathTransaction[])[] = [];
  readonly #lines: readonly Line[];
  readonly #schema: Schema;
  readonly #deviations: number;
  readonly #whole: boolean;

  constructor(operation: Operation, lines: readonly Line[], schema: Schema, deviations: number) {
    this.#lines = lines;
    this.#schema = schema;
    this.#deviations = deviations;
    this.#whole = operation.transaction !== 'none' && !lines.some((line) => line.step.action.kind === 'begin');
  }

  /** Whether all paths were found within the limit. */
  walk(): boolean {
    const start: State = { versions: new Map(), counts: new Map(), decided: new Map(), deviations: 0, done: [] };
    const open = this.#whole ? { begins: 0, statements: [] } : undefined;
    return this.#from(0, open ? { ...start, open } : start);
  }

  #from(at: number, state: State): boolean {
    const line = this.#lines[at];
    if (!line) return this.#finish(state);
    const { condition } = line.step;
    if (!condition) return this.#run(at, line, state);
    const key = `${condition.text}|${condition.reads.map((name) => state.versions.get(name) ?? 0)}`;
    const known = state.decided.get(key) ?? this.#evaluate(condition, state);
    if (known !== undefined) return known ? this.#run(at, line, state) : this.#from(at + 1, state);
    const decide = (taken: boolean, cost: number): State => ({
      ...state,
      decided: new Map(state.decided).set(key, taken),
      deviations: state.deviations + cost,
    });
    // The usual path is the one that goes on.
    const ends = line.step.action.kind === 'return' || line.step.action.kind === 'rollback';
    const spent = state.deviations >= this.#deviations;
    if (!(ends && spent) && !this.#run(at, line, decide(true, ends ? 1 : 0))) return false;
    return (!ends && spent) || this.#from(at + 1, decide(false, ends ? 0 : 1));
  }

  /** Conditions that row counts decide are decided by the path. */
  #evaluate(condition: NonNullable<Step['condition']>, state: State): boolean | undefined {
    // CEL's || and && decide from one side where they can, whatever is unknown on the other.
    if (!condition.reads.some((name) => state.counts.has(name))) return undefined;
    try {
      const value = condition.evaluate(Object.fromEntries(state.counts));
      return typeof value === 'boolean' ? value : undefined;
    } catch {
      return undefined;
    }
  }

  #run(at: number, line: Line, state: State): boolean {
    const { action, into } = line.step;
    switch (action.kind) {
      case 'begin': {
        const open = { begins: at, ...(action.level && { level: action.level }), statements: [] };
        return this.#from(at + 1, { ...closed(state), open });
      }
      case 'commit':
        return this.#from(at + 1, closed(state));
      case 'rollback': {
        const { open: _, ...rest } = state;
        return this.#whole ? this.#finish(rest) : this.#from(at + 1, rest);
      }
      case 'return':
        return this.#finish(state);
      case 'assign':
        return this.#from(at + 1, rebind(state, [action.name]));
      case 'call':
        return this.#from(at + 1, rebind(state, into));
      default:
        return this.#sql(at, line, state);
    }
  }

  #sql(at: number, line: Line, state: State): boolean {
    const { tree, parameters } = line.statement as Statement;
    const term = (name: string, of: State) => `:${name}@${of.versions.get(name) ?? 0}`;
    const groups = touchesOf(tree, this.#schema, (n) => term(parameters[n - 1] ?? `${n}`, state));
    const { into } = line.step;
    const options = this.#rows(line, groups);
    for (const [i, rows] of options.entries()) {
      if (i > 0 && state.deviations >= this.#deviations) break;
      let next = rebind({ ...state, deviations: state.deviations + (i > 0 ? 1 : 0) }, into);
      const counted = into.length === 1 && !('SelectStmt' in tree);
      if (counted) next = { ...next, counts: new Map(next.counts).set(into[0] as string, rows) };
      const columns = outputs(tree);
      const binds = into.flatMap((name, k) =>
        columns[k] ? [{ term: term(name, next), column: columns[k] as string }] : [],
      );
      const statement: PathStatement = { text: line.step.text, groups, rows, binds };
      const open = state.open ?? { begins: at, statements: [] };
      const transaction = { ...open, statements: [...open.statements, statement] };
      const { open: _, ...rest } = next;
      const alone = state.open === undefined;
      const after = alone ? { ...rest, done: [...rest.done, transaction] } : { ...rest, open: transaction };
      if (!this.#from(at + 1, after)) return false;
    }
    return true;
  }

  /** Numbers of rows that the statement may find; the usual one first. */
  #rows(line: Line, groups: readonly (readonly Touch[])[]): readonly Rows[] {
    const last = groups.at(-1)?.at(-1);
    if (!last || last.kind === 'read' || last.kind === 'insert' || last.kind === 'upsert') return [1];
    if (last.kind === 'insert if absent') return [1, 0];
    // Without a condition, every row is written.
    if (last.filter.size === 0 && last.kind !== 'lock') return [2];
    const keys = last.table.keys.filter(
      (key) => !key.where && key.columns.every((c) => c !== undefined && last.equal.has(c)),
    );
    if (keys.length === 0) return last.kind === 'lock' ? [1, 2] : [1, 2, 0];
    if (last.kind === 'lock') return this.#inserts(last.table.name) ? [1, 0] : [1];
    const guarded = last.guarded || [...last.equal.keys()].some((column) => !keys[0]?.columns.includes(column));
    return guarded || line.step.into.length > 0 ? [1, 0] : [1];
  }

  #inserts(table: string): boolean {
    return this.#lines.some((line) => {
      const tree = line.statement?.tree;
      return tree !== undefined && 'InsertStmt' in tree && tree.InsertStmt.relation?.relname === table;
    });
  }

  #finish(state: State): boolean {
    const { done } = closed(state);
    if (done.length > 0) this.paths.push(done);
    return this.paths.length <= MOST_PATHS || this.#deviations <= 1;
  }
}

function closed(state: State): State {
  const { open, ...rest } = state;
  return open && open.statements.length > 0 ? { ...rest, done: [...rest.done, open] } : rest;
}

function rebind(state: State, into: readonly string[]): State {
  if (into.length === 0) return state;
  const versions = new Map(state.versions);
  const counts = new Map(state.counts);
  for (const name of into) {
    versions.set(name, (versions.get(name) ?? 0) + 1);
    counts.delete(name);
  }
  return { ...state, versions, counts };
}

/** Plain columns that a SELECT over one table returns, by position. */
function outputs(tree: Statement['tree']): (string | undefined)[] {
  if (!('SelectStmt' in tree) || tree.SelectStmt.fromClause?.length !== 1) return [];
  const [from] = tree.SelectStmt.fromClause;
  if (!from || !('RangeVar' in from)) return [];
  return (tree.SelectStmt.targetList ?? []).map((node) => {
    const value = 'ResTarget' in node ? node.ResTarget.val : undefined;
    const field = value && 'ColumnRef' in value ? value.ColumnRef.fields?.at(-1) : undefined;
    return field && 'String' in field ? field.String.sval : undefined;
  });
}
