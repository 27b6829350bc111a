import type { FuncCall, Node, WindowDef } from 'libpg-query';
import { overRows } from './calls.ts';
import { NotAnalysed, SqlInputError } from './errors.ts';
import { compileExpression } from './expression.ts';
import { AGGREGATES } from './functions/aggregates.ts';
import { compareRowsBy, compileOrder, type Order, sortRows } from './order.ts';
import type { Env, Expression, Run } from './plan.ts';
import { of, type Scope } from './scope.ts';
import { keyText, type SqlType, type Value } from './values.ts';

/** Rows of one partition in order; gives the value for each. */
type OverPartition = (rows: readonly Env[], order: readonly Order[], run: Run) => readonly Value[];

/** Bits of `frameOptions` in PostgreSQL's syntax tree. */
const FRAME = {
  rows: 0x4,
  startUnbounded: 0x20,
  endUnbounded: 0x100,
  startCurrent: 0x200,
  endCurrent: 0x400,
  startBefore: 0x800,
};

/** Compiles a window function (PostgreSQL manual, 3.5 and 9.22). */
export function compileWindow(node: FuncCall, name: string, scope: Scope): Expression {
  if (!scope.windows) throw new SqlInputError(`window function ${name}() is not allowed here`);
  const definition = resolve(node.over as WindowDef, scope);
  // Inside a window function there are no further ones.
  const inner: Scope = { ...scope };
  delete (inner as { windows?: unknown }).windows;
  const compile = (expression: Node) => compileExpression(expression, inner);
  const partition = (definition.partitionClause ?? []).map(compile);
  const order = compileOrder(definition.orderClause, compile);
  const { type, over } = functionOf(node, name, definition, inner);
  const index = scope.windows.length;
  scope.windows.push({
    values: (rows, run) => {
      const groups = new Map<string, Env[]>();
      for (const row of rows) {
        const key = keyText(partition.map((expression) => expression.evaluate(row, run)));
        const members = groups.get(key);
        if (members) members.push(row);
        else groups.set(key, [row]);
      }
      const found = new Map<Env, Value>();
      for (const members of groups.values()) {
        sortRows(members, order, run);
        over(members, order, run).forEach((value, i) => {
          found.set(members[i] as Env, value);
        });
      }
      return rows.map((row) => found.get(row) ?? null);
    },
  });
  return of(type, (env) => env.windows?.[index] ?? null);
}

function resolve(definition: WindowDef, scope: Scope): WindowDef {
  const name = definition.name ?? definition.refname;
  if (name === undefined) return definition;
  const named = scope.namedWindows?.get(name);
  if (!named || !('WindowDef' in named)) throw new SqlInputError(`there is no window "${name}"`);
  return definition.name === undefined ? { ...named.WindowDef, ...definition } : named.WindowDef;
}

function functionOf(
  node: FuncCall,
  name: string,
  definition: WindowDef,
  scope: Scope,
): { type: SqlType; over: OverPartition } {
  const args = (node.args ?? []).map((arg) => compileExpression(arg, scope));
  const argument = (row: Env | undefined, run: Run, i = 0): Value =>
    row ? (args[i]?.evaluate(row, run) ?? null) : null;
  const type = args[0]?.type ?? 'unknown';
  const shift =
    (sign: 1 | -1): OverPartition =>
    (rows, _, run) =>
      rows.map((row, i) => {
        const by = args[1] ? Number(argument(row, run, 1)) : 1;
        const other = rows[i + sign * by];
        return other ? argument(other, run) : argument(row, run, 2);
      });
  switch (name) {
    case 'row_number':
      return { type: 'int', over: (rows) => rows.map((_, i) => i + 1) };
    case 'rank':
      return {
        type: 'int',
        over: (rows, order, run) =>
          rows.map((row) => rows.findIndex((other) => compareRowsBy(order, other, row, run) === 0) + 1),
      };
    case 'dense_rank':
      return {
        type: 'int',
        over: (rows, order, run) => {
          let rank = 0;
          return rows.map((row, i) => {
            const before = rows[i - 1];
            if (!before || compareRowsBy(order, before, row, run) !== 0) rank++;
            return rank;
          });
        },
      };
    case 'ntile':
      return {
        type: 'int',
        over: (rows, _, run) => {
          const count = Number(argument(rows[0], run));
          const [size, larger] = [Math.floor(rows.length / count), rows.length % count];
          return rows.map((_row, i) =>
            i < larger * (size + 1)
              ? Math.floor(i / (size + 1)) + 1
              : larger + Math.floor((i - larger * (size + 1)) / size) + 1,
          );
        },
      };
    case 'lag':
      return { type, over: shift(-1) };
    case 'lead':
      return { type, over: shift(1) };
  }
  const frame = frameOf(definition);
  if (name === 'first_value' || name === 'last_value') {
    return {
      type,
      over: (rows, order, run) =>
        rows.map((_, i) => {
          const inside = frame(rows, i, order, run);
          return argument(name === 'first_value' ? inside[0] : inside.at(-1), run);
        }),
    };
  }
  if (!Object.hasOwn(AGGREGATES, name)) throw new NotAnalysed(`window function ${name}()`);
  const aggregate = overRows(node, name, scope);
  return {
    type: aggregate.type,
    over: (rows, order, run) => rows.map((_, i) => aggregate.value(frame(rows, i, order, run), run)),
  };
}

/** The rows that an aggregate sees for row `i`. */
function frameOf(
  definition: WindowDef,
): (rows: readonly Env[], i: number, order: readonly Order[], run: Run) => readonly Env[] {
  const options = definition.frameOptions ?? 0;
  const custom = (options & 1) !== 0;
  const has = (bit: number) => (options & bit) !== 0;
  const byRows = has(FRAME.rows);
  if (!custom || (!byRows && has(FRAME.startUnbounded) && has(FRAME.endCurrent))) {
    return (rows, i, order, run) => {
      if (order.length === 0) return rows;
      const row = rows[i] as Env;
      // Up to the last row that is equal by ORDER BY.
      return rows.filter((other) => compareRowsBy(order, other, row, run) <= 0);
    };
  }
  if (has(FRAME.startUnbounded) && has(FRAME.endUnbounded)) return (rows) => rows;
  if (byRows && has(FRAME.startUnbounded) && has(FRAME.endCurrent)) return (rows, i) => rows.slice(0, i + 1);
  if (byRows && has(FRAME.startCurrent) && has(FRAME.endUnbounded)) return (rows, i) => rows.slice(i);
  if (byRows && has(FRAME.startBefore) && has(FRAME.endCurrent)) {
    const constant =
      definition.startOffset && 'A_Const' in definition.startOffset ? definition.startOffset.A_Const : undefined;
    const by = (constant as { ival?: { ival?: number } } | undefined)?.ival?.ival ?? 0;
    return (rows, i) => rows.slice(Math.max(0, i - by), i + 1);
  }
  throw new NotAnalysed('this window frame');
}
