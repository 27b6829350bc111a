import { SCHEDULES } from '../../vocabulary/schedules.ts';
import type { Scalar } from '../engine.ts';
import type { RunView } from '../judge.ts';
import type { LaboratorySchedule } from '../schedule.ts';

/** What a schedule of the vocabulary lacks before it can be run and judged. */
type Judged = Pick<LaboratorySchedule, 'decisive' | 'judge'> & Partial<Pick<LaboratorySchedule, 'late'>>;

const same = (read: ReadonlyMap<Scalar, Scalar>, rows: Readonly<Record<number, number>>) =>
  read.size === Object.keys(rows).length && Object.entries(rows).every(([id, value]) => read.get(Number(id)) === value);

/**
 * Whether T3 saw a later state and then, in the same or a later read, an earlier one. States: 0 before T1, 1 after T1,
 * 2 after T2; each of the two rows shows which state it comes from.
 */
function vanishes(run: RunView, labels: readonly string[]): boolean {
  const stages: Readonly<Record<string, number>> = { '1:10': 0, '1:11': 1, '1:12': 2, '2:20': 0, '2:19': 1, '2:18': 2 };
  let latest = 0;
  return labels.some((label) => {
    const seen = [...run.read(label)].map(([id, value]) => stages[`${id}:${value}`] ?? 0);
    latest = Math.max(latest, ...seen);
    return seen.some((stage) => stage < latest);
  });
}

/** Judges of the vocabulary's schedules, by id. */
const JUDGES: Readonly<Record<string, Judged>> = {
  G0: {
    decisive: 'T2.2',
    judge: ({ committed, final }) =>
      committed('T1', 'T2') && (same(final, { 1: 11, 2: 22 }) || same(final, { 1: 12, 2: 21 })),
  },
  G1a: { decisive: 'T2.2', judge: ({ read }) => ['T2.1', 'T2.2'].some((label) => read(label).get(1) === 101) },
  G1b: {
    decisive: 'T2.2',
    judge: ({ read, committed }) => committed('T1') && ['T2.1', 'T2.2'].some((label) => read(label).get(1) === 101),
  },
  G1c: { decisive: 'T2.2', judge: ({ read }) => read('T1.2').get(2) === 22 && read('T2.2').get(1) === 11 },
  OTV: { decisive: 'T3.3', judge: (run) => vanishes(run, ['T3.1', 'T3.2', 'T3.3']) },
  'OTV-rows': { decisive: 'T3.4', judge: (run) => vanishes(run, ['T3.1', 'T3.2', 'T3.3', 'T3.4']) },
  PMP: { decisive: 'T1.2', judge: ({ read, committed }) => committed('T2') && read('T1.2').has(3) },
  'PMP-write': {
    decisive: 'T2.2',
    judge: ({ read, count, committed, final }) => {
      const first = same(read('T2.1'), { 1: 20 }) && count('T2.2') === 1 && same(final, { 2: 30 });
      const second = same(read('T2.1'), { 2: 20 }) && count('T2.2') === 1 && same(final, { 1: 20 });
      return committed('T1', 'T2') && !(first && count('T1.1') === 2) && !(second && count('T1.1') === 1);
    },
  },
  P4: { decisive: 'T2.2', judge: lostUpdate },
  'P4-sequential': { decisive: 'T2.2', judge: lostUpdate },
  'G-single': {
    decisive: 'T1.2',
    judge: ({ read, committed }) => committed('T2') && read('T1.1').get(1) === 10 && read('T1.2').get(2) === 18,
  },
  'G-single-insert': {
    decisive: 'T1.2',
    judge: ({ read, committed }) => committed('T2') && read('T1.1').size === 2 && read('T1.2').has(3),
  },
  'G-single-predicate': {
    decisive: 'T1.2',
    judge: ({ read, committed }) => committed('T2') && read('T1.1').get(1) === 10 && read('T1.2').get(1) === 12,
  },
  'G-single-write': {
    decisive: 'T1.2',
    judge: ({ read, count, committed }) => committed('T1', 'T2') && read('T1.1').get(1) === 10 && count('T1.2') === 0,
  },
  'G2-item': {
    decisive: 'T2.2',
    judge: ({ read, count, committed }) =>
      committed('T1', 'T2') &&
      ['T1.1', 'T2.1'].every((label) => same(read(label), { 1: 10, 2: 20 })) &&
      ['T1.2', 'T2.2'].every((label) => count(label) === 1),
  },
  G2: {
    decisive: 'T2.2',
    judge: ({ read, committed, final }) =>
      committed('T1', 'T2') && read('T1.1').size === 0 && read('T2.1').size === 0 && final.has(3) && final.has(4),
  },
  'G2-two-predicates': {
    decisive: 'T2.2',
    judge: ({ read, committed, final }) =>
      committed('T1', 'T2') && read('T1.1').size === 0 && read('T2.1').size === 2 && final.has(3) && final.has(4),
  },
  'G2-two-edges': {
    decisive: 'T1.2',
    late: ['T3'],
    judge: ({ read, committed }) =>
      committed('T1', 'T2', 'T3') && same(read('T1.1'), { 1: 10, 2: 20 }) && same(read('T3.1'), { 1: 10, 2: 25 }),
  },
};

function lostUpdate({ read, count, committed }: RunView): boolean {
  return (
    committed('T1', 'T2') &&
    ['T1.1', 'T2.1'].every((label) => read(label).get(1) === 10) &&
    ['T1.2', 'T2.2'].every((label) => count(label) === 1)
  );
}

/** The schedules of the vocabulary with their judges. */
export const VOCABULARY: readonly LaboratorySchedule[] = SCHEDULES.map((schedule) => {
  const judged = JUDGES[schedule.id];
  if (!judged) throw new Error(`the schedule ${schedule.id} has no judge`);
  const { id, phenomenon, steps, anomaly, from } = schedule;
  return { id, phenomenon, steps, anomaly, from, ...judged };
});
