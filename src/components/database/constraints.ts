import { same, toText, type Value } from '../../sql/values.ts';
import { recordRead } from './serializable.ts';
import type { Row } from './state.ts';
import { Wait, type Work } from './work.ts';

/** Computed columns, NOT NULL and CHECK. Returns the row to store. */
export function checkRow(work: Work, table: number, given: readonly Value[]): readonly Value[] {
  const rules = work.context.rules[table];
  const definition = work.context.tables[table];
  const values = [...given];
  for (const { column, value } of rules?.generated ?? []) values[column] = value(values);
  definition?.columns.forEach((column, i) => {
    if (column.notNull && (values[i] ?? null) === null) {
      throw work.error('notNull', `null value in column "${column.name}" of "${definition.name}"`);
    }
  });
  for (const check of rules?.checks ?? []) {
    if (!check.holds(values))
      throw work.error('check', `row of "${definition?.name}" violates check constraint "${check.name}"`);
  }
  return values;
}

/**
 * The row, if any, that keeps `values` from being stored: by a unique key (its index) or an exclusion (no index).
 *
 * Waits for a session whose uncommitted change decides the question.
 */
export function conflictingRow(
  work: Work,
  table: number,
  values: readonly Value[],
  self: Row | undefined,
): { row: Row; key: number | undefined } | undefined {
  const rules = work.context.rules[table];
  const tests = [
    ...(rules?.keys ?? []).map((key, index) => {
      const own = key.value(values);
      if (own && work.policy.validation !== 'none') recordRead(work, { table, key: index, value: own });
      const comparable = own && (key.nullsNotDistinct || !own.includes(null));
      return {
        key: index,
        hits: (other: readonly Value[]) => {
          const theirs = comparable ? key.value(other) : undefined;
          return theirs?.every((part, i) => same(part, own?.[i] ?? null)) ?? false;
        },
      };
    }),
    ...(rules?.exclusions ?? []).map((exclusion) => ({
      key: undefined,
      hits: (other: readonly Value[]) => exclusion.conflicts(values, other),
    })),
  ];
  for (const { key, hits } of tests) {
    for (const row of work.rows(table)) {
      if (row === self) continue;
      const draft = row.draft;
      const committed = row.versions.at(-1)?.values ?? null;
      if (draft && draft.by !== work.session) {
        if ((draft.values && hits(draft.values)) || (committed && hits(committed))) throw new Wait([draft.by]);
        continue;
      }
      const current = work.newest(row);
      if (current && hits(current)) return { row, key };
    }
  }
  return undefined;
}

/** Every foreign key must find its parent; the parent is locked against deletion. */
export function checkForeignKeys(
  work: Work,
  table: number,
  values: readonly Value[],
  snapshot: number,
  before?: readonly Value[],
): void {
  for (const key of work.context.rules[table]?.parents ?? []) {
    const wanted = key.columns.map((column) => values[column] ?? null);
    if (wanted.includes(null)) continue;
    if (before && key.columns.every((column, i) => same(before[column] ?? null, wanted[i] ?? null))) continue;
    const parentTable = work.tableIndex(key.parent);
    const isParent = (candidate: readonly Value[] | null) =>
      candidate !== null && key.parentColumns.every((column, i) => same(candidate[column] ?? null, wanted[i] ?? null));
    const parent = work.rows(parentTable).find((row) => isParent(work.newest(row)));
    if (!parent) {
      const hidden = work.rows(parentTable).some((row) => isParent(work.seen(row, snapshot)));
      if (hidden && work.policy.writes === 'abort') {
        throw work.error('serialization', 'could not serialize access due to concurrent update');
      }
      throw work.error(
        'foreignKey',
        `there is no row of "${key.parent.name}" with key ${wanted.map(toText).join(', ')}`,
      );
    }
    if (parent.draft?.by !== work.session) work.lock(parent, work.context.dialect === 'mysql' ? 'share' : 'key share');
  }
}

/** Before a row is deleted: children forbid it, follow it, or lose their reference. */
export function releaseChildren(
  work: Work,
  table: number,
  parent: readonly Value[],
  replace: (table: number, child: { row: Row; values: readonly Value[] }, after: readonly Value[] | null) => void,
): void {
  work.context.rules.forEach((rules, childTable) => {
    for (const key of rules.parents) {
      if (work.tableIndex(key.parent) !== table) continue;
      const wanted = key.parentColumns.map((column) => parent[column] ?? null);
      for (const row of [...work.rows(childTable)]) {
        const values = work.newest(row);
        if (!values || !key.columns.every((column, i) => same(values[column] ?? null, wanted[i] ?? null))) continue;
        if (key.onDelete === 'restrict') {
          throw work.error('parentInUse', `row is still referenced from "${work.context.tables[childTable]?.name}"`);
        }
        work.lock(row, 'update');
        if (key.onDelete === 'cascade') {
          releaseChildren(work, childTable, values, replace);
          replace(childTable, { row, values }, null);
        } else {
          const cleared = values.map((value, column) => (key.columns.includes(column) ? null : value));
          replace(childTable, { row, values }, checkRow(work, childTable, cleared));
        }
      }
    }
  });
}
