import type { Repair } from './repair.ts';

/** Statements that commit one by one become one transaction. */
export const oneTransaction: Repair = {
  id: 'one-transaction',
  cost: 2,
  patterns: ['transactional-outbox'],
  apply: (design) => {
    const apart = design.operations.filter(
      (operation) => operation.transaction === 'none' && operation.steps.length > 1,
    );
    if (apart.length === 0) return [];
    return [
      {
        title: 'One transaction around all statements of the operation',
        change: apart.map((operation) => `${operation.name}: transaction: one`),
        design: {
          ...design,
          operations: design.operations.map((operation) =>
            apart.includes(operation) ? { ...operation, transaction: 'one' as const } : operation,
          ),
        },
      },
    ];
  },
};
