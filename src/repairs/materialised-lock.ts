import type { Repair } from './repair.ts';
import { changedTable, mapOperations, sqlOf } from './rewrite.ts';

/** One row that every operation which changes something updates first, so that they take turns. */
export const materialisedLock: Repair = {
  id: 'materialised-lock',
  cost: 4,
  patterns: ['declared-constraint', 'row-lock'],
  apply: (design) => {
    const lock = 'UPDATE decision_lock SET turns = turns + 1 WHERE id = 1';
    const locked = mapOperations(design, (operation, steps) => {
      const changes = steps.some((step) => changedTable(sqlOf(step) ?? '') !== undefined);
      return operation.transaction === 'none' || !changes ? operation.steps.slice() : [lock, ...operation.steps];
    });
    if (!locked.operations.some((operation) => operation.steps[0] === lock)) return [];
    const table =
      'CREATE TABLE decision_lock (id int PRIMARY KEY, turns int NOT NULL); INSERT INTO decision_lock VALUES (1, 0)';
    return [
      {
        title:
          'Materialise the conflict: all writers update one lock row before they read (one row for each shift, room or account)',
        change: [
          table,
          `first step of ${locked.operations
            .filter((operation) => operation.steps[0] === lock)
            .map((operation) => operation.name)
            .join(', ')}: ${lock}`,
        ],
        design: { ...locked, schema: `${locked.schema ?? ''};\n${table}` },
      },
    ];
  },
};
