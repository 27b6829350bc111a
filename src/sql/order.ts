import type { Node, SortBy } from 'libpg-query';
import type { Env, Expression, Run } from './plan.ts';
import { compare } from './values.ts';

/** One item of ORDER BY. */
export interface Order {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** Compiles ORDER BY. `nullsLow`: NULL counts as the smallest value, as in MySQL and SQL Server. */
export function compileOrder(
  clause: readonly Node[] | undefined,
  reference: (node: Node) => Expression,
  nullsLow = false,
): Order[] {
  return (clause ?? []).flatMap((node) => {
    if (!('SortBy' in node)) return [];
    const sort: SortBy = node.SortBy;
    const descending = sort.sortby_dir === 'SORTBY_DESC';
    const byDefault = nullsLow ? !descending : descending;
    const nullsFirst =
      sort.sortby_nulls === 'SORTBY_NULLS_FIRST' || (byDefault && sort.sortby_nulls !== 'SORTBY_NULLS_LAST');
    return [{ expression: reference(sort.node as Node), descending, nullsFirst }];
  });
}

/** Order of two rows. */
export function compareRowsBy(order: readonly Order[], a: Env, b: Env, run: Run): number {
  for (const { expression, descending, nullsFirst } of order) {
    const [x, y] = [expression.evaluate(a, run), expression.evaluate(b, run)];
    if (x === null || y === null) {
      if (x === y) continue;
      return (x === null) === nullsFirst ? -1 : 1;
    }
    const sign = compare(x, y);
    if (sign !== 0) return descending ? -sign : sign;
  }
  return 0;
}

/** Sorts rows in place; equal ones keep their order. */
export function sortRows(rows: Env[], order: readonly Order[], run: Run): void {
  if (order.length > 0) rows.sort((a, b) => compareRowsBy(order, a, b, run));
}
