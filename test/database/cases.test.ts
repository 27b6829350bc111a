import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { engineOf } from '../../src/catalogue/engine.ts';
import { loadCatalogue } from '../../src/catalogue/load.ts';
import { parseDesign } from '../../src/design/design.ts';
import { explore } from '../../src/explorer/explore.ts';
import { compileDesign } from '../../src/explorer/program.ts';
import { type Cell, type TransactionCase, toDesign } from '../support/transaction-cases.ts';

/** Verdicts that were recorded on real servers; the file says on which. */
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/transactions.json', import.meta.url), 'utf8')) as {
  cases: TransactionCase[];
};
const { databases } = loadCatalogue();

async function verdict(input: ReturnType<typeof toDesign>): Promise<Cell> {
  const design = parseDesign(input);
  const program = await compileDesign(design, engineOf(databases, design.engine, {}));
  const { broken, exhausted } = await explore(program, { states: 500_000, milliseconds: 20_000, faults: 0 });
  expect(exhausted).toBe(true);
  const has = (kind: string) => broken.some(({ check }) => check.kind === kind);
  return { invariant: has('invariant') ? 'broken' : 'holds', serializable: !has('serializable') };
}

/** A recorded `null` says that serializability was not judged. */
const judged = (got: Cell, want: Cell): Cell =>
  want.serializable === null ? { invariant: got.invariant, serializable: null } : got;

describe.each(cases)('$id', (given) => {
  const recorded = Object.entries(given.expected).flatMap(([engine, levels]) =>
    Object.entries(levels).map(([level, want]) => ({ engine: engine as 'pg' | 'mysql', level, want, fix: undefined })),
  );
  const repaired = (given.fixes ?? []).flatMap((fix) =>
    Object.entries(fix.verified).map(([place, want]) => {
      const [engine, level = ''] = place.split('.') as ['pg' | 'mysql', string];
      return { engine, level, want, fix };
    }),
  );
  it.each(recorded)('$engine $level', async ({ engine, level, want }) => {
    const got = await verdict(toDesign(given, engine, level));
    expect(judged(got, want)).toEqual(want);
  });
  it.each(repaired)('$fix.id: $engine $level', async ({ engine, level, want, fix }) => {
    const got = await verdict(toDesign(given, engine, level, fix));
    expect(judged(got, want)).toEqual(want);
  });
});
