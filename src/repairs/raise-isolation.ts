import type { Repair } from './repair.ts';

/** A stronger isolation level for every operation, with a retry of aborted transactions. */
export const raiseIsolation: Repair = {
  id: 'raise-isolation',
  cost: 5,
  patterns: ['serializable-retry'],
  apply: (design, engine) => {
    if (!design.schema?.trim()) return [];
    const used = new Set(
      design.operations.map(
        (operation) => engine.level(operation.isolation ?? design.isolation ?? engine.defaultLevel).name,
      ),
    );
    const order = STRENGTH.filter((name) => engine.levels.some((level) => level.name.toLowerCase() === name));
    const weakest = Math.min(...[...used].map((name) => order.indexOf(name.toLowerCase())));
    return order.slice(weakest + 1).map((name) => {
      const level = engine.level(name).name;
      return {
        title: `${level} for all operations, and retry on serialization failures`,
        change: [`isolation: ${level}`],
        design: {
          ...design,
          isolation: level,
          operations: design.operations.map(({ isolation: _, ...operation }) => operation),
        },
      };
    });
  },
};

const STRENGTH = ['read uncommitted', 'read committed', 'repeatable read', 'snapshot', 'serializable'];
