import { atomicUpdate } from './atomic-update.ts';
import { checkRowCount } from './check-row-count.ts';
import { claimKey } from './claim-key.ts';
import { compareAndSet } from './compare-and-set.ts';
import { declareConstraint } from './declare-constraint.ts';
import { derivedKey } from './derived-key.ts';
import { fencingToken } from './fencing-token.ts';
import { inbox } from './inbox.ts';
import { lockRead } from './lock-read.ts';
import { materialisedLock } from './materialised-lock.ts';
import { oneTransaction } from './one-transaction.ts';
import { outbox } from './outbox.ts';
import { quorum } from './quorum.ts';
import { raiseIsolation } from './raise-isolation.ts';
import type { Repair } from './repair.ts';

/** All repairs, cheapest first. */
export const REPAIRS: readonly Repair[] = [
  declareConstraint,
  atomicUpdate,
  checkRowCount,
  compareAndSet,
  oneTransaction,
  derivedKey,
  inbox,
  outbox,
  quorum,
  fencingToken,
  lockRead,
  claimKey,
  materialisedLock,
  raiseIsolation,
];
