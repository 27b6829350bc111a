import type { JoinExpr, LockingClause, Node, RangeFunction, RangeSubselect, RangeVar } from 'libpg-query';
import { amongOf, boundsOf, keyOf } from './access.ts';
import { RANGE_SUFFIX } from './dialects/sqlserver.ts';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression, truth } from './expression.ts';
import type { Env, Expression, RowLock, Run, Scan, Tuple } from './plan.ts';
import { type CommonColumns, type Compiler, compileQuery } from './query.ts';
import { extrasOf, type Table, tableOf } from './schema.ts';
import type { Scope, Source } from './scope.ts';
import { compileTableFunction } from './table-functions.ts';
import { names } from './types.ts';
import { same } from './values.ts';

/** Extends a prefix of tuples by the rows of a FROM item. */
export type Join = (prefix: readonly Tuple[], outer: Env | undefined, run: Run) => readonly (readonly Tuple[])[];

const EMPTY: Tuple = { values: [] };

interface Base {
  readonly index: number;
  readonly table: Table;
  /** On the outer side of an outer join, so that WHERE does not bound what is read. */
  readonly nullable: boolean;
  readonly join: readonly Node[];
  lock?: RowLock;
  scan?: Scan;
}

/** Collects FROM items in the order in which they appear, and the scans behind them. */
export class FromCompiler {
  readonly sources: Source[] = [];
  readonly scope: Scope;
  readonly #compiler: Compiler;
  readonly #common: CommonColumns;
  readonly #bases: Base[] = [];
  /** Conditions of inner joins: a row that changed while it was awaited must still fulfil them. */
  readonly joinTests: Expression[] = [];

  constructor(compiler: Compiler, common: CommonColumns, outer: Scope | undefined) {
    this.#compiler = compiler;
    this.#common = common;
    const extras = extrasOf(compiler.schema);
    this.scope = {
      dialect: compiler.dialect,
      sources: this.sources,
      outer,
      subquery: (tree, scope) => compileQuery(tree, compiler, common, scope),
      fresh: () => extras.next++,
      sequences: extras,
      uses: { reached: 0 },
    };
  }

  /** Compiles a FROM list to one join. */
  list(items: readonly Node[]): Join {
    const joins = items.map((item) => this.item(item, false, []));
    if (joins.length === 1) return joins[0] as Join;
    return (prefix, outer, run) =>
      joins.reduce<readonly (readonly Tuple[])[]>(
        (rows, join) => within(rows.flatMap((row) => join(row, outer, run))),
        [prefix],
      );
  }

  item(node: Node, nullable: boolean, conditions: readonly Node[]): Join {
    if ('RangeVar' in node) return this.#range(node.RangeVar, nullable, conditions);
    if ('JoinExpr' in node) return this.#join(node.JoinExpr, nullable, conditions);
    if ('RangeSubselect' in node) return this.#subselect(node.RangeSubselect);
    if ('RangeFunction' in node) return this.#function(node.RangeFunction);
    throw new NotAnalysed(`FROM ${Object.keys(node)[0]}`);
  }

  /** Marks the base tables that a locking clause names (all of them where it names none). */
  lock(clause: LockingClause): void {
    const strength = (
      {
        LCS_FORKEYSHARE: 'key share',
        LCS_FORSHARE: 'share',
        LCS_FORNOKEYUPDATE: 'no key update',
        LCS_FORUPDATE: 'update',
      } as const
    )[clause.strength as 'LCS_FORUPDATE'];
    const wait =
      clause.waitPolicy === 'LockWaitSkip' ? 'skip' : clause.waitPolicy === 'LockWaitError' ? 'error' : 'wait';
    const named = (clause.lockedRels ?? []).flatMap((node) =>
      'RangeVar' in node ? [node.RangeVar.relname ?? ''] : [],
    );
    const range = named.some((name) => name.endsWith(RANGE_SUFFIX));
    const only = named.map((name) => name.replace(RANGE_SUFFIX, ''));
    for (const name of only) {
      if (!this.sources.some((source) => source.alias === name)) {
        throw new SqlInputError(`FOR ${strength.toUpperCase()} OF "${name}": the FROM clause has no such table`);
      }
    }
    for (const base of this.#bases) {
      if (only.length > 0 && !only.includes(this.sources[base.index]?.alias ?? '')) continue;
      if (base.nullable && this.#compiler.dialect === 'postgresql') {
        throw new SqlInputError(
          `FOR ${strength.toUpperCase()} cannot be applied to the nullable side of an outer join (PostgreSQL error 0A000): name the tables with OF`,
        );
      }
      base.lock = { strength, wait, ...(range && { range: true }) };
    }
  }

  /** Compiles the conditions of each scan; called once, when all FROM items and WHERE are known. */
  finish(where: Node | undefined, limited = false): { locked: { index: number; scan: Scan; lock: RowLock }[] } {
    const locked: { index: number; scan: Scan; lock: RowLock }[] = [];
    for (const base of this.#bases) {
      const source = this.sources[base.index] as Source;
      const usable = [...base.join, ...(base.nullable ? [] : conjuncts(where))];
      const own: Scope = { ...this.scope, sources: [source], outer: undefined };
      const filters = usable.flatMap((node) => tryCompile(node, own));
      // Only what is known before this item is read may give a key.
      const earlier: Scope = {
        ...this.scope,
        sources: this.sources.map((other, i) => (i < base.index ? other : { alias: '', columns: [] })),
      };
      const value = (node: Node) => tryCompile(node, earlier)[0];
      const key = keyOf(base.table, source, usable, value);
      const among = key ? undefined : amongOf(base.table, source, usable, this.scope);
      const scan: Scan = {
        id: this.#compiler.scans.length,
        table: base.table,
        matches: (values, run) => {
          const env: Env = { tuples: [{ values }] };
          return filters.every((filter) => truth(filter.evaluate(env, run as Run)) === true);
        },
        ...(base.lock && { lock: base.lock }),
        ...(limited && { limited }),
        ...(key && { key }),
        ...(among && { among }),
        bounds: boundsOf(base.table, source, usable, value),
      };
      this.#compiler.scans.push(scan);
      base.scan = scan;
      if (base.lock) locked.push({ index: base.index, scan, lock: base.lock });
    }
    return { locked };
  }

  /** The scan of the base table at `index`, after `finish`. */
  scanOf(index: number): Scan {
    return this.#bases.find((base) => base.index === index)?.scan as Scan;
  }

  #range(range: RangeVar, nullable: boolean, join: readonly Node[]): Join {
    const name = range.relname ?? '';
    const alias = range.alias?.aliasname ?? name;
    const renamed = names(range.alias?.colnames);
    const shared = this.#common.get(name);
    if (shared) {
      this.sources.push({
        alias,
        columns: shared.columns.map((column, i) => ({ ...column, name: renamed[i] ?? column.name })),
      });
      return (prefix, _, run) => (run.common.get(shared.key) ?? []).map((tuple) => [...prefix, tuple]);
    }
    if (name === 'dual' && !this.#compiler.schema.has(name)) {
      this.sources.push({ alias, columns: [] });
      return (prefix) => [[...prefix, EMPTY]];
    }
    const table = tableOf(this.#compiler.schema, name);
    const base: Base = { index: this.sources.length, table, nullable, join };
    this.#bases.push(base);
    this.sources.push({
      alias,
      columns:
        renamed.length === 0
          ? table.columns
          : table.columns.map((column, i) => ({ name: renamed[i] ?? column.name, type: column.type })),
    });
    return (prefix, outer, run) =>
      run.scan(base.scan as Scan, { tuples: prefix, outer }).map((tuple) => [...prefix, tuple]);
  }

  #subselect({ subquery, alias, lateral }: RangeSubselect): Join {
    const scope = lateral ? this.scope : this.scope.outer;
    const inner = compileQuery(subquery as Node, this.#compiler, this.#common, scope);
    const renamed = names(alias?.colnames);
    this.sources.push({
      alias: alias?.aliasname ?? '',
      columns: inner.columns.map((column, i) => ({ ...column, name: renamed[i] ?? column.name })),
    });
    return (prefix, outer, run) =>
      inner.rows(lateral ? { tuples: prefix, outer } : outer, run).map((tuple) => [...prefix, tuple]);
  }

  #function(range: RangeFunction): Join {
    const { source, rows } = compileTableFunction(range, this.scope);
    this.sources.push(source);
    return (prefix, outer, run) => rows({ tuples: prefix, outer }, run).map((tuple) => [...prefix, tuple]);
  }

  #join(join: JoinExpr, nullable: boolean, conditions: readonly Node[]): Join {
    const kind = join.jointype;
    const [keepsLeft, keepsRight] = [
      kind === 'JOIN_LEFT' || kind === 'JOIN_FULL',
      kind === 'JOIN_RIGHT' || kind === 'JOIN_FULL',
    ];
    if (!keepsLeft && !keepsRight && kind !== 'JOIN_INNER') throw new NotAnalysed(`${kind}`);
    const start = this.sources.length;
    const quals = conjuncts(join.quals);
    // A condition bounds what is read of the side that it can leave out.
    const left = this.item(join.larg as Node, nullable || keepsRight, [
      ...(keepsRight ? [] : conditions),
      ...(keepsLeft ? [] : quals),
    ]);
    const middle = this.sources.length;
    const right = this.item(join.rarg as Node, nullable || keepsLeft, [
      ...(keepsLeft ? [] : conditions),
      ...(keepsRight ? [] : quals),
    ]);
    const end = this.sources.length;
    const using = join.isNatural ? this.#shared(start, middle, end) : names(join.usingClause);
    if (using.length > 0 && keepsRight) throw new NotAnalysed('USING in a RIGHT or FULL JOIN (write ON)');
    const tests = [
      ...(join.quals ? [compileExpression(join.quals, this.scope)] : []),
      ...using.map((column) => this.#equal(column, start, middle, end)),
    ];
    if (!keepsLeft && !keepsRight) this.joinTests.push(...tests);
    const passes = (tuples: readonly Tuple[], outer: Env | undefined, run: Run) =>
      tests.every((test) => truth(test.evaluate({ tuples, outer }, run)) === true);
    const noRight: readonly Tuple[] = Array.from({ length: end - middle }, () => EMPTY);
    if (!keepsRight) {
      return (prefix, outer, run) =>
        left(prefix, outer, run).flatMap((row) => {
          const matches = right(row, outer, run).filter((tuples) => passes(tuples, outer, run));
          return matches.length === 0 && keepsLeft ? [[...row, ...noRight]] : matches;
        });
    }
    const noLeft: readonly Tuple[] = Array.from({ length: middle - start }, () => EMPTY);
    return (prefix, outer, run) => {
      const lefts = left(prefix, outer, run);
      const rights = right([...prefix, ...noLeft], outer, run).map((row) => row.slice(middle));
      const used = new Set<number>();
      const rows = lefts.flatMap((row) => {
        const matches = rights.flatMap((tuples, i) => {
          const joined = [...row, ...tuples];
          if (!passes(joined, outer, run)) return [];
          used.add(i);
          return [joined];
        });
        return matches.length === 0 && keepsLeft ? [[...row, ...noRight]] : matches;
      });
      const alone = rights.flatMap((tuples, i) => (used.has(i) ? [] : [[...prefix, ...noLeft, ...tuples]]));
      return [...rows, ...alone];
    };
  }

  #shared(start: number, middle: number, end: number): string[] {
    const columns = (from: number, to: number) =>
      this.sources.slice(from, to).flatMap((source) => source.columns.map((column) => column.name));
    const right = columns(middle, end);
    return columns(start, middle).filter((name) => right.includes(name));
  }

  /** USING (column): equal on both sides; afterwards the name means the left one. */
  #equal(column: string, start: number, middle: number, end: number): Expression {
    const find = (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        const position = this.sources[index]?.columns.findIndex((candidate) => candidate.name === column) ?? -1;
        if (position >= 0) return { index, position };
      }
      throw new SqlInputError(`USING: there is no column "${column}" on both sides`);
    };
    const [left, right] = [find(start, middle), find(middle, end)];
    const hidden = this.sources[right.index] as Source;
    this.sources[right.index] = {
      ...hidden,
      columns: hidden.columns.map((candidate, i) =>
        i === right.position ? { ...candidate, name: `${column} (right)` } : candidate,
      ),
    };
    return {
      type: 'bool',
      evaluate: (env) => {
        const a = env.tuples[left.index]?.values[left.position] ?? null;
        const b = env.tuples[right.index]?.values[right.position] ?? null;
        return a !== null && b !== null && same(a, b);
      },
    };
  }
}

/** The parts of a condition that are joined by AND. */
export function conjuncts(node: Node | undefined): Node[] {
  if (!node) return [];
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') return (node.BoolExpr.args ?? []).flatMap(conjuncts);
  return [node];
}

/** Compiles an expression when it needs nothing beyond `scope`, has no sub-select and no effect. */
function tryCompile(node: Node, scope: Scope): Expression[] {
  const text = JSON.stringify(node);
  if (text.includes('"SubLink"') || /"sval":"(pg_|nextval|get_lock|gen_random)/i.test(text)) return [];
  try {
    return [compileExpression(node, scope)];
  } catch (error) {
    if (error instanceof SqlInputError) return [];
    throw error;
  }
}

/** More combinations than any small example needs; a join without a condition would otherwise fill the memory. */
const MOST_COMBINATIONS = 50_000;

function within<T>(rows: readonly T[]): readonly T[] {
  if (rows.length <= MOST_COMBINATIONS) return rows;
  throw new SqlInputError(
    `a join gives more than ${MOST_COMBINATIONS} combinations of rows; give fewer rows or a condition`,
  );
}
