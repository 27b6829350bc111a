import type { LaboratorySchedule } from '../schedule.ts';

/** What a transaction reads, and from when: beyond Hermitage. */
export const READS: readonly LaboratorySchedule[] = [
  {
    id: 'G-single-same-row',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE id = 1',
      'T1: COMMIT',
    ],
    decisive: 'T1.2',
    anomaly: 'T1 reads 10 and then 12: a snapshot for each statement, not for the transaction',
    judge: ({ read, committed }) => committed('T2') && read('T1.1').get(1) === 10 && read('T1.2').get(1) === 12,
    from: 'own',
  },
  {
    id: 'G-single-after-own-write',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: COMMIT',
      'T1: UPDATE test SET value = value + 1 WHERE id = 1',
      'T1: SELECT * FROM test WHERE id = 1',
      'T1: COMMIT',
    ],
    decisive: 'T1.2',
    anomaly: 'T1 reads 10, adds 1 and reads 13',
    judge: ({ read, committed }) => committed('T1', 'T2') && read('T1.1').get(1) === 10 && read('T1.3').get(1) === 13,
    from: 'own',
  },
  {
    id: 'OTV-after-own-write',
    phenomenon: 'OTV',
    steps: [
      'T1: SELECT * FROM test',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T2: COMMIT',
      'T1: UPDATE test SET value = value + 1 WHERE id = 1',
      'T1: SELECT * FROM test',
      'T1: COMMIT',
    ],
    decisive: 'T1.2',
    anomaly: 'T1 reads 13 and 20: one effect of T2, under its own addition, without the other; no such state ever was',
    judge: ({ read, committed }) => committed('T1', 'T2') && read('T1.3').get(1) === 13 && read('T1.3').get(2) === 20,
    from: 'own',
  },
  {
    id: 'G-single-locking-read',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE id = 1 FOR UPDATE',
      'T1: SELECT * FROM test WHERE id = 1',
      'T1: COMMIT',
    ],
    dialects: ['postgresql', 'mysql'],
    decisive: 'T1.2',
    anomaly: 'T1 reads 10, and 12 as soon as it locks what it reads',
    judge: ({ read, committed }) => committed('T1', 'T2') && read('T1.1').get(1) === 10 && read('T1.2').get(1) === 12,
    from: 'own',
  },
  {
    id: 'PMP-locking-read-waits',
    phenomenon: 'PMP',
    steps: [
      'T1: SELECT * FROM test',
      'T2: DELETE FROM test WHERE id = 2',
      'T1: SELECT * FROM test WHERE id = 2 FOR UPDATE',
      'T2: COMMIT',
      'T1: COMMIT',
    ],
    dialects: ['postgresql', 'mysql'],
    decisive: 'T1.2',
    anomaly: 'T1 has read row 2, waits for its DELETE and then finds no row, without an error',
    judge: ({ read, count, committed }) => committed('T1', 'T2') && read('T1.1').has(2) && count('T1.2') === 0,
    from: 'own',
  },
  {
    id: 'snapshot-begins-late',
    phenomenon: 'G-single',
    kind: 'observation',
    steps: [
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE id = 1',
      'T1: COMMIT',
    ],
    decisive: 'T1.1',
    anomaly: 'T1 sees what was committed after its BEGIN, so BEGIN took no snapshot',
    judge: ({ read, committed }) => committed('T2') && read('T1.1').get(1) === 12,
    from: 'own',
  },
  {
    id: 'long-fork',
    phenomenon: 'G2-item',
    // Only copies of the data can show it, so on one server it says nothing about write skew.
    kind: 'observation',
    steps: [
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: COMMIT',
      'T4: SELECT * FROM test WHERE id = 1',
      'T4: SELECT * FROM test WHERE id = 2',
      'T2: UPDATE test SET value = 21 WHERE id = 2',
      'T2: COMMIT',
      'T3: SELECT * FROM test WHERE id = 2',
      'T3: SELECT * FROM test WHERE id = 1',
      'T3: COMMIT',
      'T4: COMMIT',
    ],
    decisive: 'T3.2',
    anomaly: 'T3 sees T2 and not T1, T4 sees T1 and not T2',
    judge: ({ read, committed }) =>
      committed('T1', 'T2') &&
      read('T3.1').get(2) === 21 &&
      read('T3.2').get(1) === 10 &&
      read('T4.1').get(1) === 11 &&
      read('T4.2').get(2) === 20,
    from: 'own',
  },
  {
    id: 'G2-read-only',
    phenomenon: 'G2',
    steps: [
      'T1: SELECT * FROM test',
      'T2: UPDATE test SET value = value + 5 WHERE id = 2',
      'T2: COMMIT',
      'T3: SELECT * FROM test',
      'T3: COMMIT',
      'T1: UPDATE test SET value = 0 WHERE id = 1',
      'T1: COMMIT',
    ],
    late: ['T3'],
    begin: { T3: { readOnly: true } },
    dialects: ['postgresql', 'mysql'],
    decisive: 'T1.2',
    anomaly: 'the read-only anomaly: all commit, and what the READ ONLY transaction T3 saw fits no serial order',
    judge: ({ read, committed }) =>
      committed('T1', 'T2', 'T3') &&
      read('T1.1').get(2) === 20 &&
      read('T3.1').get(1) === 10 &&
      read('T3.1').get(2) === 25,
    from: 'own',
  },
  {
    id: 'G2-read-only-deferrable',
    phenomenon: 'G2',
    kind: 'remedy',
    steps: [
      'T1: SELECT * FROM test',
      'T2: UPDATE test SET value = value + 5 WHERE id = 2',
      'T2: COMMIT',
      'T3: SELECT * FROM test',
      'T3: COMMIT',
      'T1: UPDATE test SET value = 0 WHERE id = 1',
      'T1: COMMIT',
    ],
    late: ['T3'],
    begin: { T3: { readOnly: true, deferrable: true } },
    dialects: ['postgresql'],
    levels: ['serializable'],
    decisive: 'T3.1',
    anomaly: 'the read-only anomaly in spite of DEFERRABLE',
    judge: ({ read, committed }) =>
      committed('T1', 'T2', 'T3') &&
      read('T1.1').get(2) === 20 &&
      read('T3.1').get(1) === 10 &&
      read('T3.1').get(2) === 25,
    from: 'own',
  },
  {
    id: 'G1a-autocommit-read',
    phenomenon: 'G1a',
    steps: [
      'T1: UPDATE test SET value = 101 WHERE id = 1',
      'T2: SELECT * FROM test',
      'T1: ROLLBACK',
      'T2: SELECT * FROM test',
    ],
    autocommit: ['T2'],
    decisive: 'T2.1',
    anomaly: 'a single SELECT outside a transaction reads 101, a value that was rolled back',
    judge: ({ read }) => read('T2.1').get(1) === 101,
    from: 'own',
  },
];
