/**
 * The ten phenomena of Hermitage, in the order of its table.
 *
 * Names and meanings follow Adya, "Weak Consistency" (MIT 1999), Berenson et al., "A Critique of ANSI SQL
 * Isolation Levels" (SIGMOD 1995) and ept/hermitage (CC BY 4.0).
 */
export const PHENOMENA = {
  G0: {
    name: 'dirty write',
    meaning: 'Writes of two transactions interleave, so that each survives in part (a cycle of write dependencies).',
    aliases: ['P0', 'write cycle'],
  },
  G1a: {
    name: 'aborted read',
    meaning: 'A transaction reads a value whose writer then rolls back.',
    aliases: ['dirty read', 'P1', 'A1'],
  },
  G1b: {
    name: 'intermediate read',
    meaning: 'A transaction reads a value that its writer overwrote before it committed.',
    aliases: ['dirty read of an intermediate value'],
  },
  G1c: {
    name: 'circular information flow',
    meaning: 'Each of two transactions reads what the other wrote.',
    aliases: ['information flow cycle'],
  },
  OTV: {
    name: 'observed transaction vanishes',
    meaning:
      'A transaction sees one effect of another and then no longer sees a second effect of the same transaction.',
    aliases: ['monotonic atomic view violation'],
  },
  PMP: {
    name: 'predicate-many-preceders',
    meaning:
      'The same condition evaluated twice in a transaction is answered from different states: rows appear or go.',
    aliases: ['phantom read', 'phantom', 'P3', 'A3'],
  },
  P4: {
    name: 'lost update',
    meaning: 'Two transactions read a value, both write it back, and the second write erases the first.',
    aliases: ['lost-update'],
  },
  'G-single': {
    name: 'read skew',
    meaning: 'A transaction reads one row before and another row after the commit of a second transaction.',
    aliases: ['A5A', 'non-repeatable read', 'fuzzy read', 'P2', 'inconsistent analysis'],
  },
  'G2-item': {
    name: 'write skew',
    meaning: 'Two transactions read the same rows, write different ones, and together break what each had checked.',
    aliases: ['A5B'],
  },
  G2: {
    name: 'anti-dependency cycle',
    meaning: 'Write skew through a condition: each transaction inserts or changes rows that the other searched for.',
    aliases: ['phantom write skew', 'predicate write skew', 'serialization anomaly'],
  },
} as const;

/** Identifier of a phenomenon, e.g. `P4`. */
export type Phenomenon = keyof typeof PHENOMENA;

/** All phenomena in the order of Hermitage's table. */
export const PHENOMENON_IDS = Object.keys(PHENOMENA) as [Phenomenon, ...Phenomenon[]];
