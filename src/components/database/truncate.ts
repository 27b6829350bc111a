import type { Truncate } from '../../sql/plan.ts';
import { counterName } from '../../sql/schema.ts';
import { recordWrite } from './serializable.ts';
import type { StatementRun } from './statement.ts';

/**
 * TRUNCATE: locks the tables against everybody and takes all rows away. It is not safe for snapshots: after its
 * commit the tables look empty to transactions whose snapshot is older (PostgreSQL manual, 13.6).
 */
export function truncate(run: StatementRun, plan: Truncate): void {
  const { work } = run;
  const { rules, tables } = work.context;
  const all = new Set(plan.tables.map((table) => work.tableIndex(table)));
  for (const parent of all) {
    for (const [child, { parents }] of rules.entries()) {
      if (all.has(child) || !parents.some((key) => work.tableIndex(key.parent) === parent)) continue;
      if (!plan.cascade) {
        throw work.error(
          'referenced',
          `cannot truncate a table referenced in a foreign key constraint of "${tables[child]?.name}"`,
        );
      }
      all.add(child);
    }
  }
  for (const table of all) work.lockTable(table, 'access exclusive');
  for (const table of all) {
    for (const row of work.rows(table)) {
      const before = work.newest(row);
      if (!before) continue;
      work.lock(table, row, 'update');
      work.write(table, row, null, true);
      recordWrite(work, table, before, null);
    }
    if (!plan.restart) continue;
    const definition = tables[table];
    for (const column of definition?.columns ?? []) {
      if (!column.counter) continue;
      const { [counterName(definition?.name ?? '', column.name)]: _, ...rest } = work.state.counters;
      work.state.counters = rest;
    }
  }
}
