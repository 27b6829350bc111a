import { z } from 'zod';
import { type Component, ComponentError, defineKind } from './component.ts';

const options = z.strictObject({
  /** Whether the lock is a lease that ends by itself. */
  lease: z.boolean().default(true),
});

/** Who holds the lock, who believes to hold it, and the last token. */
export interface LockState {
  readonly holder: number | null;
  readonly believers: readonly number[];
  readonly token: number;
}

/**
 * A distributed lock. As a lease it expires while its holder is paused; the holder does not know. `acquire` answers a
 * token that grows with each owner, for a store that checks it (fencing).
 */
export const lock = defineKind({
  kind: 'lock',
  options,
  create: (name: string, { lease }: z.output<typeof options>): Component<LockState> => ({
    name,
    kind: 'lock',
    verbs: ['acquire', 'release'],
    initial: { holder: null, believers: [], token: 0 },
    call: (state, verb, _, { process }) => {
      switch (verb) {
        case 'acquire': {
          if (state.holder !== null && state.holder !== process) return [];
          const token = state.token + 1;
          const believers = [...new Set([...state.believers, process])].sort();
          return [
            {
              state: { holder: process, believers, token },
              answer: token,
              fault: false,
              says: `token ${token}`,
              ...(believers.length > 1 && { breaks: ['mutual-exclusion'] }),
            },
          ];
        }
        case 'release':
          return [
            {
              state: {
                ...state,
                holder: state.holder === process ? null : state.holder,
                believers: state.believers.filter((other) => other !== process),
              },
              answer: state.holder === process,
              fault: false,
              says: state.holder === process ? 'ok' : 'not the holder any more',
            },
          ];
        default:
          throw new ComponentError(`${name} has no verb ${verb}; a lock has acquire() and release()`);
      }
    },
    events: (state) =>
      lease && state.holder !== null
        ? [
            {
              state: { ...state, holder: null },
              fault: true,
              says: `${name}: the lease expires while its holder is paused`,
            },
          ]
        : [],
    // The lock does not see a crash; only a lease ends. A dead holder believes nothing any more.
    crash: (state, process) => ({
      ...state,
      believers: state.believers.filter((other) => other !== process),
      holder: lease && state.holder === process ? null : state.holder,
    }),
    view: (state) => ({ held: state.holder !== null, token: state.token }),
  }),
});
