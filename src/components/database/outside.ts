import type { CounterAction } from '../../sql/plan.ts';
import { Wait, type Work } from './work.ts';

/** What lives outside the transactions of a database: counters and advisory locks. */

/** What a session does with an advisory lock. */
export type AdvisoryAction = 'lock' | 'try' | 'unlock' | 'unlock all';

/** Key under which the counter that was drawn last is kept, for LAST_INSERT_ID(). */
const LAST_DRAWN = '';

/** Draws from, reads or sets a counter. */
export function useCounter(work: Work, action: CounterAction, name: string, to: number): number {
  const { state, session } = work;
  if (action === 'current') {
    const drawn = state.drawn?.[session]?.[name];
    if (drawn !== undefined) return drawn;
    if (name === LAST_DRAWN && work.context.dialect === 'mysql') return 0;
    throw work.error('undrawn', `currval of sequence "${name}" is not yet defined in this session`);
  }
  const value = action === 'set' ? to : state.counters[name] === undefined ? to : state.counters[name] + 1;
  state.counters = { ...state.counters, [name]: value };
  if (action === 'draw') {
    const drawn = state.transactions.map((_, by) => state.drawn?.[by] ?? null);
    drawn[session] = { ...drawn[session], [name]: value, [LAST_DRAWN]: value };
    state.drawn = drawn;
  }
  return value;
}

/** Takes or gives back an advisory lock; whether that was possible. Waits where `lock` finds it taken. */
export function useAdvisoryLock(
  work: Work,
  action: AdvisoryAction,
  scope: 'session' | 'transaction',
  key: string,
  shared: boolean,
): boolean {
  const { state, session } = work;
  if (action === 'unlock all') {
    state.advisory = state.advisory.filter((lock) => lock.by !== session || lock.scope !== 'session');
    return true;
  }
  if (action === 'unlock') {
    const held = state.advisory.findIndex(
      (lock) => lock.by === session && lock.key === key && lock.scope === 'session' && lock.shared === shared,
    );
    state.advisory = state.advisory.filter((_, i) => i !== held);
    return held >= 0;
  }
  const others = state.advisory.filter((lock) => lock.by !== session && lock.key === key && !(lock.shared && shared));
  if (others.length > 0) {
    if (action === 'try') return false;
    throw new Wait(others.map((lock) => lock.by));
  }
  const again = state.advisory.some(
    (lock) => lock.by === session && lock.key === key && lock.scope === scope && lock.shared === shared,
  );
  // A session lock counts how often it was taken; a transaction lock does not need to.
  if (!again || scope === 'session') {
    state.advisory = [...state.advisory, { key, by: session, shared, scope }].sort(
      (a, b) => a.by - b.by || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
    );
  }
  return true;
}
