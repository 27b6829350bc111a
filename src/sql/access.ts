import type { Node } from 'libpg-query';
import type { Bound, Expression, Scan } from './plan.ts';
import { position, type Table } from './schema.ts';
import type { Scope, Source } from './scope.ts';
import { compileSubquery } from './subquery.ts';
import { names } from './types.ts';
import type { Value } from './values.ts';

/** How a scan can find its rows: by a unique key, or by bounds on a column that begins an index. */

interface Comparison {
  readonly column: string;
  readonly operator: string;
  readonly value: Expression;
}

/** The comparisons of a column with something known, each with the column on the left. */
function comparisons(
  source: Source,
  conditions: readonly Node[],
  value: (node: Node) => Expression | undefined,
): Comparison[] {
  const columnOf = (node: Node | undefined): string | undefined => {
    if (!node || !('ColumnRef' in node)) return undefined;
    const path = names(node.ColumnRef.fields);
    if (path.length > 1 && path.at(-2) !== source.alias) return undefined;
    const name = path.at(-1) ?? '';
    return source.columns.some((candidate) => candidate.name === name) ? name : undefined;
  };
  return conditions.flatMap((node): Comparison[] => {
    if (!('A_Expr' in node)) return [];
    const { kind, lexpr, rexpr } = node.A_Expr;
    const operator = names(node.A_Expr.name)[0] ?? '';
    if (kind === 'AEXPR_BETWEEN') {
      const column = columnOf(lexpr);
      const [low, high] = rexpr && 'List' in rexpr ? (rexpr.List.items ?? []).map(value) : [];
      if (column === undefined || !low || !high) return [];
      return [
        { column, operator: '>=', value: low },
        { column, operator: '<=', value: high },
      ];
    }
    if (kind !== 'AEXPR_OP' || !(operator in MIRRORED)) return [];
    const found: Comparison[] = [];
    for (const [side, other, symbol] of [
      [lexpr, rexpr, operator],
      [rexpr, lexpr, MIRRORED[operator]],
    ] as const) {
      const column = columnOf(side);
      const known = column === undefined || !other ? undefined : value(other);
      if (column !== undefined && known) found.push({ column, operator: symbol ?? '', value: known });
    }
    return found;
  });
}

const MIRRORED: Readonly<Record<string, string>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** A unique key whose columns the conditions fix by equality with something known before this item is read. */
export function keyOf(
  table: Table,
  source: Source,
  conditions: readonly Node[],
  value: (node: Node) => Expression | undefined,
): Scan['key'] {
  const fixed = new Map<string, Expression>();
  for (const found of comparisons(source, conditions, value)) {
    if (found.operator === '=') fixed.set(found.column, found.value);
  }
  const key = table.keys.find(
    (candidate) => !candidate.where && candidate.columns.every((column) => column !== undefined && fixed.has(column)),
  );
  if (!key) return undefined;
  const values = key.columns.map((column) => fixed.get(column as string) as Expression);
  return {
    columns: key.columns.map((column) => position(table, column as string)),
    values: (env, run) => values.map((expression) => expression.evaluate(env, run)),
  };
}

/** A unique column that must be among the rows of a sub-select that runs once. */
export function amongOf(table: Table, source: Source, conditions: readonly Node[], scope: Scope): Scan['among'] {
  for (const node of conditions) {
    const [side, link] =
      'SubLink' in node && node.SubLink.subLinkType === 'ANY_SUBLINK' && !node.SubLink.operName
        ? [node.SubLink.testexpr, node.SubLink]
        : 'A_Expr' in node &&
            node.A_Expr.kind === 'AEXPR_OP' &&
            names(node.A_Expr.name)[0] === '=' &&
            node.A_Expr.rexpr &&
            'SubLink' in node.A_Expr.rexpr
          ? [node.A_Expr.lexpr, node.A_Expr.rexpr.SubLink]
          : [];
    if (!side || !('ColumnRef' in side) || !link?.subselect) continue;
    const path = names(side.ColumnRef.fields);
    const name = path.at(-1) ?? '';
    if (path.length > 1 && path.at(-2) !== source.alias) continue;
    if (!table.keys.some((key) => !key.where && key.columns.length === 1 && key.columns[0] === name)) continue;
    const { rows, correlated } = compileSubquery(link.subselect, scope);
    if (correlated) continue;
    return {
      column: position(table, name),
      values: (env, run) => rows(env, run).map((tuple) => tuple.values[0] ?? null),
    };
  }
  return undefined;
}

/** Bounds on columns that begin an index; equality first, then the primary key. */
export function boundsOf(
  table: Table,
  source: Source,
  conditions: readonly Node[],
  value: (node: Node) => Expression | undefined,
): Bound[] {
  const found = comparisons(source, conditions, value);
  const indexed = [
    ...table.keys.map((key) => ({ column: key.columns[0], unique: key.columns.length === 1 && !key.where })),
    ...table.indexes.map((column) => ({ column, unique: false })),
  ];
  const bounds = indexed.flatMap(({ column, unique }) => {
    const own = found.filter((comparison) => comparison.column === column);
    if (column === undefined || own.length === 0) return [];
    const equal = own.find((comparison) => comparison.operator === '=');
    const low = equal ?? own.find((comparison) => comparison.operator.startsWith('>'));
    const high = equal ?? own.find((comparison) => comparison.operator.startsWith('<'));
    const bound: Bound = {
      column: position(table, column),
      unique,
      range: (env, run) => {
        const limits: { low?: Value; high?: Value } = {};
        if (low) limits.low = low.value.evaluate(env, run);
        if (high) limits.high = high.value.evaluate(env, run);
        return limits;
      },
    };
    return [{ bound, rank: equal ? 0 : low && high ? 1 : 2 }];
  });
  return bounds.sort((a, b) => a.rank - b.rank).map(({ bound }) => bound);
}
