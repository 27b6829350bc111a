import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bestPromotion, instantiate, type TemplateSet } from '../../src/robustness/templates.ts';
import type { Isolation } from '../../src/robustness/workload.ts';
import { SMALLBANK, smallBank } from './smallbank.ts';
import { TPCCKV, tpccKv } from './tpcckv.ts';

const { expected } = JSON.parse(readFileSync('test/fixtures/benchmarks.json', 'utf8'));
const named = (names: readonly string[], levels: readonly Isolation[] | undefined) =>
  Object.fromEntries(names.map((name, g) => [name, levels?.[g]]));
const lowest = (set: TemplateSet) => instantiate(set).robustness.lowest();

describe('SmallBank, lowest allocations with promoted reads (Vandevoort et al. 2025)', () => {
  const configurations = Object.keys(expected.SmallBank_lowest_allocation_noFK).filter((key) => key !== 'comment');
  it('has 17 published configurations', () => expect(configurations).toHaveLength(17));
  for (const key of configurations) {
    const [, , balance = '', writeCheck = ''] = key.split('_');
    const accounts = key === 'prom_accounts';
    const set = (foreignKeys: boolean) =>
      accounts ? smallBank('', '', foreignKeys, true) : smallBank(balance, writeCheck, foreignKeys);
    it(`${key} without foreign keys`, () => {
      expect(named(SMALLBANK, lowest(set(false)))).toEqual(expected.SmallBank_lowest_allocation_noFK[key]);
    });
    it(`${key} with foreign keys`, () => {
      const withKeys = expected.SmallBank_lowest_allocation_FK[key] ?? expected.SmallBank_lowest_allocation_noFK[key];
      expect(named(SMALLBANK, lowest(set(true)))).toEqual(withKeys);
    });
  }
});

/** Largest subsets that are robust when all run at the level. */
function maximalRobust(set: TemplateSet, names: readonly string[], level: Isolation): string[][] {
  const robust: number[] = [];
  for (let mask = 1; mask < 1 << names.length; mask++) {
    const templates = set.templates.filter((t) => mask & (1 << t.group));
    const { robustness } = instantiate({ ...set, templates });
    if (robustness.robust(names.map(() => level))) robust.push(mask);
  }
  return robust
    .filter((mask) => !robust.some((other) => other !== mask && (other & mask) === mask))
    .map((mask) => names.filter((_, g) => mask & (1 << g)));
}

const sorted = (sets: readonly (readonly string[])[]) => sets.map((one) => [...one].sort().join(' ')).sort();

describe('maximal robust subsets', () => {
  it('SmallBank at READ COMMITTED (PVLDB 2021)', () => {
    expect(sorted(maximalRobust(smallBank('', '', false), SMALLBANK, 'RC'))).toEqual(
      sorted(expected.typeII_RC.SmallBank.all_settings),
    );
  });
  it('SmallBank at snapshot isolation, without and with foreign keys', () => {
    expect(sorted(maximalRobust(smallBank('', '', false), SMALLBANK, 'SI'))).toEqual(
      sorted(expected.SI_maximal_robust.SmallBank_noFK),
    );
    expect(sorted(maximalRobust(smallBank('', '', true), SMALLBANK, 'SI'))).toEqual(
      sorted(expected.SI_maximal_robust.SmallBank_FK),
    );
  });
  for (const [key, sets] of Object.entries(expected.TPCCkv_RC)) {
    it(`TPC-Ckv at READ COMMITTED, ${key} (PVLDB 2021)`, () => {
      const set = tpccKv(key.startsWith('attr'), !key.includes('non-atomic'));
      expect(sorted(maximalRobust(set, TPCCKV, 'RC'))).toEqual(sorted(sets as string[][]));
    });
  }
  it('TPC-Ckv: lowest allocation', () => {
    expect(named(TPCCKV, lowest(tpccKv(true, true)))).toEqual(expected.TPCCkv_optimal_allocation);
  });
});

describe('search for a promotion', () => {
  const ladder = ['RC', 'SI', 'SSI'] as const;
  it('finds the read of WriteCheck or Balance that lowers SmallBank most', () => {
    const set = smallBank('', '', false);
    const best = bestPromotion(set, lowest(set) ?? [], ladder, ['update']);
    const single = [
      smallBank('2', '', false),
      smallBank('3', '', false),
      smallBank('', '2', false),
      smallBank('', '3', false),
    ];
    const costs = single.map((one) =>
      (lowest(one) ?? []).reduce((sum, level) => sum + ladder.indexOf(level as 'RC'), 0),
    );
    expect(best?.levels.reduce((sum, level) => sum + ladder.indexOf(level as 'RC'), 0)).toBe(Math.min(...costs));
  });
});
