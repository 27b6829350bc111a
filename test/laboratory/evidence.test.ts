import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFolder } from '../../src/catalogue/load.ts';
import { candidates, withLaboratory } from '../../src/laboratory/at-hand.ts';
import { collectEvidence, differences } from '../../src/laboratory/evidence.ts';
import { readEvidence } from '../../src/laboratory/evidence-files.ts';
import { LABORATORY_SCHEDULES } from '../../src/laboratory/schedules/index.ts';
import { SCHEDULES } from '../../src/vocabulary/schedules.ts';

const recorded = readEvidence(join(packageFolder(), 'databases/evidence'));

describe.concurrent('executed again, the schedules show what is recorded', () => {
  for (const candidate of candidates()) {
    test(candidate.name, async ({ skip, expect: expectHere }) => {
      const outcome = await withLaboratory(candidate, (laboratory) =>
        collectEvidence(laboratory, LABORATORY_SCHEDULES, '2026-01-01'),
      );
      if ('absent' in outcome) return skip(outcome.absent);
      const fresh = outcome.result;
      const before = recorded.find((evidence) => evidence.id === fresh.id);
      if (!before) return skip(`no evidence is recorded for ${fresh.id}`);
      expectHere(differences(before, fresh)).toEqual([]);
    }, 60_000);
  }
});

describe('the recorded evidence', () => {
  test('has no errors and covers every schedule of the vocabulary at every level', () => {
    expect(recorded.length).toBeGreaterThan(0);
    for (const evidence of recorded) {
      expect(evidence.cells.filter((cell) => cell.outcome === 'error')).toEqual([]);
      for (const { id } of SCHEDULES) {
        const levels = evidence.cells.filter((cell) => cell.schedule === id).map((cell) => cell.level);
        expect(levels, `${evidence.id} ${id}`).toEqual(evidence.levels.map((level) => level.id));
      }
    }
  });

  test('names no schedule that does not exist', () => {
    const known = new Set(LABORATORY_SCHEDULES.map(({ id }) => id));
    expect(known.size).toBe(LABORATORY_SCHEDULES.length);
    for (const evidence of recorded) for (const cell of evidence.cells) expect(known).toContain(cell.schedule);
  });
});
