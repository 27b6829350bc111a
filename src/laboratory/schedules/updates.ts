import type { LaboratorySchedule } from '../schedule.ts';

/** Updates that get lost, beyond Hermitage's one schedule, and the remedies that are usually named. */
export const UPDATES: readonly LaboratorySchedule[] = [
  {
    id: 'P4-under-delete',
    phenomenon: 'P4',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: SELECT * FROM test WHERE id = 1',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T2: DELETE FROM test WHERE id = 1',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    decisive: 'T2.2',
    anomaly: 'both commit: the DELETE, decided on the value 10, removes the 11 that nobody saw',
    judge: ({ read, count, committed, final }) =>
      committed('T1', 'T2') &&
      read('T1.1').get(1) === 10 &&
      read('T2.1').get(1) === 10 &&
      count('T1.2') === 1 &&
      !final.has(1),
    from: 'own',
  },
  {
    id: 'P4-after-delete',
    phenomenon: 'P4',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: SELECT * FROM test WHERE id = 1',
      'T1: DELETE FROM test WHERE id = 1',
      'T2: UPDATE test SET value = 11 WHERE id = 1',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    decisive: 'T2.2',
    anomaly: 'both commit: the UPDATE of a row that T2 has read changes nothing, and no error says so',
    judge: ({ read, committed, final }) => committed('T1', 'T2') && read('T2.1').get(1) === 10 && !final.has(1),
    from: 'own',
  },
  {
    id: 'P4-locking-read',
    phenomenon: 'P4',
    kind: 'remedy',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1 FOR UPDATE',
      'T2: SELECT * FROM test WHERE id = 1 FOR UPDATE',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: COMMIT',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: COMMIT',
    ],
    dialects: ['postgresql', 'mysql'],
    decisive: 'T2.1',
    anomaly: 'FOR UPDATE does not help: T2 reads 10, T1 commits 11, and T2 overwrites it',
    judge: ({ read, committed }) => committed('T1', 'T2') && read('T1.1').get(1) === 10 && read('T2.1').get(1) === 10,
    from: 'own',
  },
  {
    id: 'P4-atomic-add',
    phenomenon: 'P4',
    kind: 'remedy',
    steps: [
      'T1: UPDATE test SET value = value + 1 WHERE id = 1',
      'T2: UPDATE test SET value = value + 1 WHERE id = 1',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    decisive: 'T2.1',
    anomaly: 'both commit, and two additions of 1 to 10 leave 11',
    judge: ({ committed, final }) => committed('T1', 'T2') && final.get(1) !== 12,
    from: 'own',
  },
  {
    id: 'P4-compare-and-set',
    phenomenon: 'P4',
    kind: 'remedy',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: SELECT * FROM test WHERE id = 1',
      'T1: UPDATE test SET value = 11 WHERE id = 1 AND value = 10',
      'T2: UPDATE test SET value = 12 WHERE id = 1 AND value = 10',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    decisive: 'T2.2',
    anomaly: 'both comparisons succeed: each UPDATE reports one row',
    judge: ({ committed, count }) => committed('T1', 'T2') && count('T1.2') === 1 && count('T2.2') === 1,
    from: 'own',
  },
  {
    id: 'P4-read-before-lock',
    phenomenon: 'P4',
    kind: 'remedy',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1',
      'T2: SELECT * FROM test WHERE id = 1 FOR UPDATE',
      'T2: UPDATE test SET value = 11 WHERE id = 1',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE id = 1 FOR UPDATE',
      'T1: UPDATE test SET value = 12 WHERE id = 1',
      'T1: COMMIT',
    ],
    dialects: ['postgresql', 'mysql'],
    decisive: 'T1.2',
    anomaly: 'T1 commits a value that it computed from its first read, taken before it had the lock',
    judge: ({ read, committed }) => committed('T1', 'T2') && read('T1.1').get(1) === 10,
    from: 'own',
  },
  {
    id: 'P4-claim-subselect',
    phenomenon: 'P4',
    setup: ['CREATE TABLE test (id int PRIMARY KEY, value int)', 'INSERT INTO test (id, value) VALUES (1, 0), (2, 0)'],
    steps: [
      'T1: UPDATE test SET value = 1 WHERE id = (SELECT min(id) FROM test WHERE value = 0)',
      'T2: UPDATE test SET value = 2 WHERE id = (SELECT min(id) FROM test WHERE value = 0)',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    // MySQL and MariaDB refuse a subquery on the table that is changed (1093).
    dialects: ['postgresql', 'sqlite', 'duckdb'],
    decisive: 'T2.1',
    anomaly: 'both claim job 1: the subquery is not evaluated again after the wait',
    judge: ({ committed, count, final }) =>
      committed('T1', 'T2') && count('T1.1') === 1 && count('T2.1') === 1 && final.get(2) === 0,
    from: 'own',
  },
];
