import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Granularity,
  hasTypeOneCycle,
  hasTypeTwoCycle,
  type Program,
  type SummaryGraph,
  summaryGraph,
} from '../../src/robustness/programs.ts';

const benchmarks = JSON.parse(readFileSync('test/fixtures/benchmarks.json', 'utf8'));

function maximal(programs: Record<string, Program>, of: Granularity, cyclic: (graph: SummaryGraph) => boolean) {
  const names = Object.keys(programs);
  const robust: number[] = [];
  for (let mask = 1; mask < 1 << names.length; mask++) {
    const some = Object.fromEntries(Object.entries(programs).filter((_, i) => mask & (1 << i)));
    if (!cyclic(summaryGraph(some, of))) robust.push(mask);
  }
  return robust
    .filter((mask) => !robust.some((other) => other !== mask && (other & mask) === mask))
    .map((mask) => names.filter((_, i) => mask & (1 << i)));
}

const sorted = (sets: readonly (readonly string[])[]) => sets.map((one) => [...one].sort().join(' ')).sort();

const SETTINGS: Record<string, Granularity> = {
  tuple: { columns: false, foreignKeys: false },
  attr: { columns: true, foreignKeys: false },
  'tuple+FK': { columns: false, foreignKeys: true },
  'attr+FK': { columns: true, foreignKeys: true },
};

describe('largest subsets robust against READ COMMITTED (EDBT 2023, Alomari and Fekete 2015)', () => {
  for (const [kind, cyclic] of [
    ['typeII_RC', hasTypeTwoCycle],
    ['typeI_RC', hasTypeOneCycle],
  ] as const) {
    for (const benchmark of ['SmallBank', 'Auction', 'TPCC']) {
      for (const [setting, granularity] of Object.entries(SETTINGS)) {
        it(`${benchmark}, ${setting}, ${kind}`, () => {
          const expected = benchmarks.expected[kind][benchmark];
          const sets = expected.all_settings ?? expected[setting];
          expect(sorted(maximal(benchmarks[benchmark], granularity, cyclic))).toEqual(sorted(sets));
        });
      }
    }
  }
});

describe('size of the summary graphs', () => {
  const count = (programs: Record<string, Program>, of: Granularity) => {
    const { edges } = summaryGraph(programs, of);
    return { edges: edges.length, counterflow: edges.filter((edge) => edge.counterflow).length };
  };
  const { summary_graph_edges: sizes } = benchmarks.expected;
  it('SmallBank', () => expect(count(benchmarks.SmallBank, SETTINGS.attr as Granularity)).toEqual(sizes.SmallBank));
  it('Auction', () => {
    const { edges, counterflow } = sizes.Auction_FK;
    expect(count(benchmarks.Auction, SETTINGS['attr+FK'] as Granularity)).toEqual({ edges, counterflow });
  });
});
