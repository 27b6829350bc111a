import type { ConcurrencyControl } from '../../vocabulary/concurrency-control.ts';

/** What a concurrency control class does with reads and writes. */
export interface Policy {
  /** When the snapshot of plain reads is taken. */
  readonly snapshot: 'statement' | 'transaction';
  /** What a plain SELECT reads: a snapshot, the newest committed rows (waiting for writers), or anything. */
  readonly reads: 'snapshot' | 'current' | 'uncommitted';
  /** Whether plain reads keep share locks until commit. */
  readonly keepsReadLocks: boolean;
  /**
   * What a writer does with a row that changed since its snapshot: re-check that row only (PostgreSQL READ
   * COMMITTED), abort, or never look at the snapshot because it scans the newest rows (InnoDB, locking engines).
   */
  readonly writes: 'recheck' | 'abort' | 'current';
  /** Whether scans of writes and locking reads keep inserts out of the range they read. */
  readonly ranges: boolean;
  /** What protects against anti-dependencies beyond locks. */
  readonly validation: 'none' | 'dangerous structures' | 'read set';
  /** Transactions run one at a time. */
  readonly serial: boolean;
}

const base: Policy = {
  snapshot: 'transaction',
  reads: 'snapshot',
  keepsReadLocks: false,
  writes: 'current',
  ranges: false,
  validation: 'none',
  serial: false,
};

/** Rules of each class (sources: PostgreSQL manual 13.2, MySQL manual 17.7.2, Cahill et al. 2008). */
export const POLICIES: Readonly<Record<ConcurrencyControl, Policy>> = {
  'read-uncommitted': { ...base, snapshot: 'statement', reads: 'uncommitted' },
  'read-committed-mvcc': { ...base, snapshot: 'statement', writes: 'recheck' },
  'read-committed-innodb': { ...base, snapshot: 'statement' },
  'read-committed-locking': { ...base, snapshot: 'statement', reads: 'current' },
  'repeatable-read-innodb': { ...base, ranges: true },
  'repeatable-read-locking': { ...base, reads: 'current', keepsReadLocks: true },
  snapshot: { ...base, writes: 'abort' },
  'serializable-ssi': { ...base, writes: 'abort', validation: 'dangerous structures' },
  'serializable-locking': { ...base, reads: 'current', keepsReadLocks: true, ranges: true },
  'serializable-optimistic': { ...base, writes: 'abort', validation: 'read set' },
  'serializable-serial': { ...base, serial: true },
};
