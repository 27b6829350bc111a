import type { ConcurrencyControl } from './concurrency-control.ts';
import type { Phenomenon } from './phenomena.ts';

/** An order of statements of two or three sessions in which a phenomenon shows itself, or does not. */
export interface Schedule {
  /** The phenomenon, with a suffix for a further form of it. */
  readonly id: string;
  readonly phenomenon: Phenomenon;
  /**
   * Steps in order, after every session has begun its transaction: `T1: statement`, with an optional `-- comment`.
   * `COMMIT` and `ROLLBACK` stand for what the database uses. A step whose session waits runs when the wait ends.
   */
  readonly steps: readonly string[];
  /** What happened if the phenomenon occurred. */
  readonly anomaly: string;
  /** Classes at which this form shows the phenomenon; empty where no class that the explorer knows lets it pass. */
  readonly shows: readonly ConcurrencyControl[];
  /** `hermitage` follows ept/hermitage (Martin Kleppmann, CC BY 4.0); `own` was added for a gap in it. */
  readonly from: 'hermitage' | 'own';
}

/** Rows of table `test` (id, value) before every schedule. */
export const SCHEDULE_ROWS: readonly (readonly [id: number, value: number])[] = [
  [1, 10],
  [2, 20],
];

const WEAK = ['read-uncommitted', 'read-committed-mvcc', 'read-committed-innodb', 'read-committed-locking'] as const;

/**
 * The schedules of Hermitage in SQL that most databases share, first the plain form of each phenomenon.
 *
 * Source: https://github.com/ept/hermitage (CC BY 4.0); statements are written in upper case, comments are ours.
 */
export const SCHEDULES: readonly Schedule[] = [
  {
    id: 'G0',
    phenomenon: 'G0',
    steps: [
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T1: UPDATE test SET value = 21 WHERE id = 2',
      'T1: COMMIT',
      'T2: UPDATE test SET value = 22 WHERE id = 2',
      'T2: COMMIT',
      'T1: SELECT * FROM test',
    ],
    anomaly: 'both commit and the rows mix: 11 and 22, or 12 and 21',
    shows: [],
    from: 'hermitage',
  },
  {
    id: 'G1a',
    phenomenon: 'G1a',
    steps: [
      'T1: UPDATE test SET value = 101 WHERE id = 1',
      'T2: SELECT * FROM test -- 101 if the phenomenon occurs',
      'T1: ROLLBACK',
      'T2: SELECT * FROM test',
      'T2: COMMIT',
    ],
    anomaly: 'T2 reads 101, a value that was rolled back',
    shows: ['read-uncommitted'],
    from: 'hermitage',
  },
  {
    id: 'G1b',
    phenomenon: 'G1b',
    steps: [
      'T1: UPDATE test SET value = 101 WHERE id = 1',
      'T2: SELECT * FROM test -- 101 if the phenomenon occurs',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: COMMIT',
      'T2: SELECT * FROM test',
      'T2: COMMIT',
    ],
    anomaly: 'T2 reads 101, a value that was never final',
    shows: ['read-uncommitted'],
    from: 'hermitage',
  },
  {
    id: 'G1c',
    phenomenon: 'G1c',
    steps: [
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T2: UPDATE test SET value = 22 WHERE id = 2',
      'T1: SELECT * FROM test WHERE id = 2 -- 22 if the phenomenon occurs',
      'T2: SELECT * FROM test WHERE id = 1 -- 11 if the phenomenon occurs',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    anomaly: 'T1 reads 22 and T2 reads 11: each saw the other',
    shows: ['read-uncommitted'],
    from: 'hermitage',
  },
  {
    id: 'OTV',
    phenomenon: 'OTV',
    steps: [
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: UPDATE test SET value = 19 WHERE id = 2',
      'T2: UPDATE test SET value = 12 WHERE id = 1 -- waits for T1 where writers lock rows',
      'T1: COMMIT',
      'T3: SELECT * FROM test -- 12 and 19 if the phenomenon occurs',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T3: SELECT * FROM test',
      'T2: COMMIT',
      'T3: SELECT * FROM test',
      'T3: COMMIT',
    ],
    anomaly: 'T3 sees an effect of T2 in one row and, in the same or a later read, the older version of the other row',
    shows: ['read-uncommitted'],
    from: 'hermitage',
  },
  {
    id: 'OTV-rows',
    phenomenon: 'OTV',
    steps: [
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: UPDATE test SET value = 19 WHERE id = 2',
      'T2: UPDATE test SET value = 12 WHERE id = 1 -- waits for T1 where writers lock rows',
      'T1: COMMIT',
      'T3: SELECT * FROM test WHERE id = 1',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T3: SELECT * FROM test WHERE id = 2',
      'T2: COMMIT',
      'T3: SELECT * FROM test WHERE id = 2',
      'T3: SELECT * FROM test WHERE id = 1',
      'T3: COMMIT',
    ],
    anomaly: 'T3 sees an effect of one transaction in a row and later an older version of the other row',
    shows: [],
    from: 'hermitage',
  },
  {
    id: 'PMP',
    phenomenon: 'PMP',
    steps: [
      'T1: SELECT * FROM test WHERE value = 30 -- no row',
      'T2: INSERT INTO test (id, value) VALUES (3, 30)',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE value % 3 = 0 -- row 3 if the phenomenon occurs',
      'T1: COMMIT',
    ],
    anomaly: 'the second search of T1 finds row 3',
    shows: [...WEAK, 'repeatable-read-locking'],
    from: 'hermitage',
  },
  {
    id: 'PMP-write',
    phenomenon: 'PMP',
    steps: [
      'T1: UPDATE test SET value = value + 10',
      'T2: SELECT * FROM test WHERE value = 20 -- row 2',
      'T2: DELETE FROM test WHERE value = 20 -- waits for T1',
      'T1: COMMIT',
      'T2: SELECT * FROM test',
      'T2: COMMIT',
    ],
    anomaly: 'what T2 read and what its DELETE removed come from different states',
    shows: ['repeatable-read-innodb', 'read-committed-innodb', 'read-committed-mvcc'],
    from: 'hermitage',
  },
  {
    id: 'P4',
    phenomenon: 'P4',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1 -- 10',
      'T2: SELECT * FROM test WHERE id = 1 -- 10',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T2: UPDATE test SET value = 11 WHERE id = 1 -- waits for T1 where writers lock rows',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    anomaly: 'both commit: two increments of 10 leave 11',
    shows: [...WEAK, 'repeatable-read-innodb'],
    from: 'hermitage',
  },
  {
    id: 'P4-sequential',
    phenomenon: 'P4',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1 -- 10',
      'T2: SELECT * FROM test WHERE id = 1 -- 10',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T1: COMMIT',
      'T2: UPDATE test SET value = 11 WHERE id = 1',
      'T2: COMMIT',
    ],
    anomaly: 'both commit although their writes did not overlap: two increments of 10 leave 11',
    shows: [...WEAK, 'repeatable-read-innodb'],
    from: 'own',
  },
  {
    id: 'G-single',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1 -- 10',
      'T2: SELECT * FROM test WHERE id = 1',
      'T2: SELECT * FROM test WHERE id = 2',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE id = 2 -- 18 if the phenomenon occurs',
      'T1: COMMIT',
    ],
    anomaly: 'T1 reads 10 and then 18: row 1 before T2, row 2 after it',
    shows: [...WEAK],
    from: 'hermitage',
  },
  {
    id: 'G-single-insert',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE value % 5 = 0 -- rows 1 and 2',
      'T2: INSERT INTO test (id, value) VALUES (3, 30)',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE value % 3 = 0 -- row 3 if the phenomenon occurs',
      'T1: COMMIT',
    ],
    anomaly: 'the first search of T1 missed row 3, the second finds it',
    shows: [...WEAK, 'repeatable-read-locking'],
    from: 'hermitage',
  },
  {
    id: 'G-single-predicate',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE value % 5 = 0 -- rows 1 and 2',
      'T2: UPDATE test SET value = 12 WHERE value = 10',
      'T2: COMMIT',
      'T1: SELECT * FROM test WHERE value % 3 = 0 -- row 1 if the phenomenon occurs',
      'T1: COMMIT',
    ],
    anomaly: 'the second search of T1 finds row 1 with its new value',
    shows: [...WEAK],
    from: 'hermitage',
  },
  {
    id: 'G-single-write',
    phenomenon: 'G-single',
    steps: [
      'T1: SELECT * FROM test WHERE id = 1 -- 10',
      'T2: SELECT * FROM test',
      'T2: UPDATE test SET value = 12 WHERE id = 1',
      'T2: UPDATE test SET value = 18 WHERE id = 2',
      'T2: COMMIT',
      'T1: DELETE FROM test WHERE value = 20 -- no row if the phenomenon occurs: it acts on 18',
      'T1: SELECT * FROM test WHERE id = 2',
      'T1: COMMIT',
    ],
    anomaly: 'T1 commits although it read row 1 before T2 and its DELETE acted on row 2 after T2',
    shows: [
      'repeatable-read-innodb',
      'read-committed-innodb',
      'read-uncommitted',
      'read-committed-mvcc',
      'read-committed-locking',
    ],
    from: 'hermitage',
  },
  {
    id: 'G2-item',
    phenomenon: 'G2-item',
    steps: [
      'T1: SELECT * FROM test WHERE id IN (1, 2)',
      'T2: SELECT * FROM test WHERE id IN (1, 2)',
      'T1: UPDATE test SET value = 11 WHERE id = 1',
      'T2: UPDATE test SET value = 21 WHERE id = 2',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    anomaly: 'both commit, and neither saw the write of the other',
    shows: [...WEAK, 'repeatable-read-innodb', 'snapshot'],
    from: 'hermitage',
  },
  {
    id: 'G2',
    phenomenon: 'G2',
    steps: [
      'T1: SELECT * FROM test WHERE value % 3 = 0 -- no row',
      'T2: SELECT * FROM test WHERE value % 3 = 0 -- no row',
      'T1: INSERT INTO test (id, value) VALUES (3, 30)',
      'T2: INSERT INTO test (id, value) VALUES (4, 42)',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    anomaly: 'both commit, and each inserted what the other had searched for',
    shows: [...WEAK, 'repeatable-read-innodb', 'repeatable-read-locking', 'snapshot'],
    from: 'hermitage',
  },
  {
    id: 'G2-two-predicates',
    phenomenon: 'G2',
    steps: [
      'T1: SELECT * FROM test WHERE value % 3 = 0 -- no row',
      'T2: SELECT * FROM test WHERE value % 5 = 0 -- rows 1 and 2',
      'T1: INSERT INTO test (id, value) VALUES (3, 30)',
      'T2: INSERT INTO test (id, value) VALUES (4, 60)',
      'T1: COMMIT',
      'T2: COMMIT',
    ],
    anomaly: 'both commit, and each inserted what the other had searched for',
    shows: [...WEAK, 'repeatable-read-innodb', 'repeatable-read-locking', 'snapshot'],
    from: 'hermitage',
  },
  {
    id: 'G2-two-edges',
    phenomenon: 'G2',
    steps: [
      'T1: SELECT * FROM test',
      'T2: UPDATE test SET value = value + 5 WHERE id = 2',
      'T2: COMMIT',
      'T3: SELECT * FROM test -- 10 and 25; begins after T2 has committed',
      'T3: COMMIT',
      'T1: UPDATE test SET value = 0 WHERE id = 1',
      'T1: COMMIT',
    ],
    anomaly: 'all three commit, and the state that T3 read fits no serial order',
    shows: [...WEAK, 'repeatable-read-innodb', 'snapshot'],
    from: 'hermitage',
  },
];
