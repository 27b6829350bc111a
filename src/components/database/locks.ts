import type { RowLock, TableLock } from '../../sql/plan.ts';

/** Which row locks exclude each other (PostgreSQL manual, table 13.3). */
export const ROW_CONFLICTS: Readonly<Record<RowLock['strength'], readonly RowLock['strength'][]>> = {
  'key share': ['update'],
  share: ['no key update', 'update'],
  'no key update': ['share', 'no key update', 'update'],
  update: ['key share', 'share', 'no key update', 'update'],
};

const MODES: readonly TableLock[] = [
  'access share',
  'row share',
  'row exclusive',
  'share update exclusive',
  'share',
  'share row exclusive',
  'exclusive',
  'access exclusive',
];

/** For each mode, the weakest modes that it conflicts with (PostgreSQL manual, table 13.2). */
const TABLE_CONFLICTS: Readonly<Record<TableLock, readonly TableLock[]>> = {
  'access share': ['access exclusive'],
  'row share': ['exclusive', 'access exclusive'],
  'row exclusive': ['share', 'share row exclusive', 'exclusive', 'access exclusive'],
  'share update exclusive': MODES.slice(3),
  share: ['row exclusive', 'share update exclusive', 'share row exclusive', 'exclusive', 'access exclusive'],
  'share row exclusive': MODES.slice(2),
  exclusive: MODES.slice(1),
  'access exclusive': MODES,
};

/** Whether two sessions may not hold these locks on a table at the same time. */
export const tableLocksConflict = (a: TableLock, b: TableLock): boolean => TABLE_CONFLICTS[a].includes(b);
