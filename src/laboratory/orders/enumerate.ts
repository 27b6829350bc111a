import { conflict, type Footprint, union } from './footprint.ts';

/** A step for the enumeration. */
export interface Unit {
  readonly footprint: Footprint;
  /** Whether it ends a transaction: its order with other ends can decide who is aborted. */
  readonly ends: boolean;
}

/** An order: for each position the index of the process that takes its next step. */
export type Order = readonly number[];

/** Orders that were found, and whether there are more. */
export interface Orders {
  readonly orders: readonly Order[];
  /** Whether the limit cut the enumeration off. */
  readonly more: boolean;
}

/**
 * Every order of the steps of the processes that can matter, by fewest switches between processes: first the serial
 * ones.
 *
 * Orders that only swap neighbouring steps which cannot affect each other (Mazurkiewicz traces) give the same result:
 * the same transactions commit, with the same answers and the same final state. (At which of its steps an abort reaches
 * a transaction can differ.) Of each such class at least the lexicographically least is kept, since it has no neighbours that could be swapped into
 * process order.
 *
 * @param reduce false to get all orders
 */
export function enumerate(processes: readonly (readonly Unit[])[], limit: number, reduce = true): Orders {
  const orders: number[][] = [];
  const next = processes.map(() => 0);
  const length = processes.reduce((sum, units) => sum + units.length, 0);
  let more = false;
  const visit = (order: number[], last: { process: number; unit: Unit } | undefined): void => {
    if (order.length === length) {
      if (orders.length < limit) orders.push([...order]);
      else more = true;
      return;
    }
    for (let process = 0; process < processes.length && !more; process++) {
      const unit = processes[process]?.[next[process] ?? 0];
      if (!unit) continue;
      if (reduce && last && process < last.process && !dependent(unit, last.unit)) continue;
      next[process] = (next[process] ?? 0) + 1;
      order.push(process);
      visit(order, { process, unit });
      order.pop();
      next[process] = (next[process] ?? 1) - 1;
    }
  };
  visit([], undefined);
  return { orders: orders.sort((a, b) => switches(a) - switches(b)), more };
}

const dependent = (a: Unit, b: Unit) => (a.ends && b.ends) || conflict(a.footprint, b.footprint);

/** How often an order goes from one process to another. */
export function switches(order: Order): number {
  return order.filter((process, i) => i > 0 && process !== order[i - 1]).length;
}

/**
 * The units of a transaction. Its first statement may fix what all later ones see, so it counts as reading all of their
 * tables; its end publishes and releases all of them.
 */
export function transactionUnits(statements: readonly Footprint[]): Unit[] {
  const whole = union(statements);
  const units = statements.map((footprint, i): Unit => {
    const first = i === 0 ? { ...footprint, reads: whole.reads, all: footprint.all || whole.all } : footprint;
    return { footprint: first, ends: false };
  });
  return [...units, { footprint: whole, ends: true }];
}
