import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Robustness } from '../../src/robustness/concrete.ts';
import type { Access, Isolation, Transaction } from '../../src/robustness/workload.ts';
import { Random } from '../support/random.ts';
import { Judge } from './exhaustive.ts';
import { randomWorkload, SHAPES } from './workloads.ts';

const R = (row: string): Access => ({ row, reads: ['v'] });
const W = (row: string): Access => ({ row, writes: ['v'] });
const L = (row: string): Access => ({ row, lock: 'update' });
const transaction = (...accesses: Access[]): Transaction => ({
  name: 'T',
  chunks: accesses.map((access) => ({ text: '', accesses: [access] })),
});

describe('known workloads', () => {
  const all = (transactions: Transaction[], level: Isolation) =>
    new Robustness(transactions).robust(transactions.map(() => level));
  it('lost update: RC loses it, SI does not', () => {
    const workload = [transaction(R('x'), W('x')), transaction(R('x'), W('x'))];
    expect([all(workload, 'RC'), all(workload, 'SI')]).toEqual([false, true]);
  });
  it('write skew: SI has it, SSI does not', () => {
    const workload = [transaction(R('x'), W('y')), transaction(R('y'), W('x'))];
    expect([all(workload, 'SI'), all(workload, 'SSI')]).toEqual([false, true]);
    expect(new Robustness(workload).robust(['SSI', 'RC'])).toBe(false);
    expect(new Robustness(workload).lowest()).toEqual(['SSI', 'SSI']);
    expect(new Robustness(workload).lowest(['RC', 'SI'])).toBeUndefined();
  });
  it('the read-only anomaly under SI (Fekete, O’Neil, O’Neil 2004)', () => {
    const workload = [transaction(R('x'), R('y'), W('x')), transaction(R('y'), W('y')), transaction(R('x'), R('y'))];
    expect(all(workload, 'SI')).toBe(false);
    expect(all(workload.slice(0, 2), 'SI')).toBe(true);
  });
  it('a parent row that is locked first: enough at RC, not at SI', () => {
    const book = (row: string) => transaction(L('room'), R('a'), R('b'), W(row));
    const workload = [book('a'), book('b')];
    expect([all(workload, 'RC'), all(workload, 'SI')]).toEqual([true, false]);
    expect(new Robustness(workload).robust(['RC', 'SSI'])).toBe(false);
    expect(new Robustness(workload).lowest()).toEqual(['RC', 'RC']);
  });
});

describe('against every schedule of small workloads', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    const numRuns = name === 'four' || name === 'locks, three long' ? 15 : 300;
    it(`${name}: ${numRuns} workloads`, { timeout: 60_000 }, () => {
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const random = new Random(seed);
          const { transactions, levels } = randomWorkload(shape, (n) => random.int(0, n - 1));
          const tested = new Robustness(transactions);
          const claimed = tested.robust(levels);
          expect(claimed).toBe(new Judge(transactions, levels).robust());
          const witness = tested.witness(levels);
          expect(witness === undefined).toBe(claimed);
          if (witness) expect(new Judge(transactions, levels).confirms(witness)).toBe(true);
        }),
        { numRuns, seed: 20261122 },
      );
    });
  }
  it('no level of the optimum can be lowered', () => {
    const random = new Random(5);
    for (let i = 0; i < 300; i++) {
      const { transactions } = randomWorkload(SHAPES['larger chunks'] as never, (n) => random.int(0, n - 1));
      const tested = new Robustness(transactions);
      const lowest = tested.lowest() ?? [];
      expect(new Judge(transactions, lowest).robust()).toBe(true);
      for (const [t, level] of lowest.entries()) {
        for (const lower of (['RC', 'SI', 'SSI'] as const).slice(0, ['RC', 'SI', 'SSI'].indexOf(level))) {
          expect(new Judge(transactions, lowest.with(t, lower)).robust()).toBe(false);
        }
      }
    }
  });
});
