import type { KeyRule } from '../../sql/plan.ts';
import { same, type Value } from '../../sql/values.ts';
import { recordLookup } from './serializable.ts';
import type { Row } from './state.ts';
import { Wait, type Work } from './work.ts';

/** Computed columns, NOT NULL and CHECK. Returns the row to store. */
export function checkRow(work: Work, table: number, given: readonly Value[]): readonly Value[] {
  const rules = work.context.rules[table];
  const definition = work.context.tables[table];
  let values = given;
  if (rules && rules.generated.length > 0) {
    const computed = [...given];
    for (const { column, value } of rules.generated) computed[column] = value(computed);
    values = computed;
  }
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

/** A row that is in the way, and of which unique key (its index) or exclusion constraint (none). */
export interface Conflict {
  readonly row: Row;
  readonly key: number | undefined;
}

/** Which constraints `conflictingRow` looks at. */
export interface Lookup {
  /** Only these unique keys; all where absent. */
  readonly keys?: readonly number[];
  readonly exclusions?: boolean;
  /** The row before the change: keys that stay the same are not looked at. */
  readonly before?: readonly Value[];
  /** Also the keys that are checked at the end of the statement or at commit. */
  readonly late?: boolean;
}

/**
 * The row, if any, that keeps `values` from being stored: by a unique key or an exclusion constraint.
 *
 * Waits for a session whose uncommitted change decides the question.
 */
export function conflictingRow(
  work: Work,
  table: number,
  values: readonly Value[],
  self: Row | undefined,
  lookup: Lookup = {},
): Conflict | undefined {
  const rules = work.context.rules[table];
  const { before } = lookup;
  for (const [index, key] of (rules?.keys ?? []).entries()) {
    if (lookup.keys && !lookup.keys.includes(index)) continue;
    if (key.deferrable && !lookup.late) continue;
    const own = key.value(values);
    if (!own) continue;
    if (before && sameKey(key, before, own)) continue;
    const comparable = key.nullsNotDistinct || !own.includes(null);
    const found = comparable
      ? firstHit(work, table, self, (other) => {
          const theirs = key.value(other);
          return theirs !== undefined && sameValues(theirs, own);
        })
      : undefined;
    // What was looked up counts once nobody has to be awaited any more.
    if (work.policy.validation !== 'none') recordLookup(work, { table, key: index, value: own });
    if (found) return { row: found, key: index };
  }
  if (lookup.exclusions === false) return undefined;
  for (const exclusion of rules?.exclusions ?? []) {
    const found = firstHit(work, table, self, (other) => exclusion.conflicts(values, other));
    if (found) return { row: found, key: undefined };
  }
  return undefined;
}

const sameKey = (key: KeyRule, before: readonly Value[], own: readonly Value[]) => {
  const old = key.value(before);
  return old !== undefined && sameValues(old, own);
};

const sameValues = (a: readonly Value[], b: readonly Value[]) => a.every((part, i) => same(part, b[i] ?? null));

function firstHit(
  work: Work,
  table: number,
  self: Row | undefined,
  hits: (values: readonly Value[]) => boolean,
): Row | undefined {
  for (const row of work.rows(table)) {
    if (row.id === self?.id) continue;
    const draft = row.draft;
    if (draft && draft.by !== work.session) {
      const committed = row.versions.at(-1)?.values ?? null;
      const images = [draft.values, committed, ...(draft.earlier ?? [])];
      if (images.some((image) => image && hits(image))) throw new Wait([draft.by]);
      continue;
    }
    const current = work.newest(row);
    if (current && hits(current)) return row;
  }
  return undefined;
}
