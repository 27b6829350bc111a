/**
 * How an engine decides conflicts at a level: the few classes that the explorer can run.
 * Which class a cell of `databases/` belongs to is data there; nothing else maps engines to behaviour.
 */
export const CONCURRENCY_CONTROLS = {
  'read-uncommitted': 'Plain reads see uncommitted rows; writers lock rows.',
  'read-committed-mvcc':
    'A new snapshot for each statement; a writer that waited re-checks only the row it waited for (PostgreSQL READ COMMITTED).',
  'read-committed-innodb':
    'A new snapshot for each plain read; writes and locking reads act on the newest committed rows, without range locks (InnoDB READ COMMITTED).',
  'read-committed-locking': 'Reads take and release short shared locks; writers lock rows (SQL Server READ COMMITTED).',
  'repeatable-read-innodb':
    'Plain reads from one snapshot; writes and locking reads act on the newest committed rows and lock ranges (InnoDB).',
  'repeatable-read-locking':
    'Rows that were read stay locked until commit; ranges are not locked (SQL Server, Db2 RS).',
  snapshot: 'One snapshot for the transaction; the first updater of a row wins, the other aborts.',
  'serializable-ssi': 'Snapshot plus abort of dangerous structures (PostgreSQL SERIALIZABLE).',
  'serializable-locking': 'Two-phase locking of rows and ranges (InnoDB and SQL Server SERIALIZABLE).',
  'serializable-optimistic':
    'Read sets are validated at commit; a conflicting transaction aborts (FoundationDB, CockroachDB).',
  'serializable-serial': 'Transactions that write run one at a time (SQLite, Redis scripts, Datomic).',
} as const;

/** Identifier of a concurrency control class. */
export type ConcurrencyControl = keyof typeof CONCURRENCY_CONTROLS;

/** All classes. */
export const CONCURRENCY_CONTROL_IDS = Object.keys(CONCURRENCY_CONTROLS) as [
  ConcurrencyControl,
  ...ConcurrencyControl[],
];
