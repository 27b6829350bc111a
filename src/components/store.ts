import { z } from 'zod';
import { same, toText, type Value } from '../sql/values.ts';
import { type Arguments, type CallOutcome, type Component, ComponentError, defineKind, need } from './component.ts';

const options = z.strictObject({
  /** Copies; more than one: leaderless, any copy accepts writes. */
  n: z.number().int().min(1).max(3).default(1),
  /** Copies that a read asks. */
  r: z.number().int().min(1).max(3).optional(),
  /** Copies that a write waits for. */
  w: z.number().int().min(1).max(3).optional(),
  /** What happens to concurrent writes: the later clock wins, or both are kept. */
  conflict: z.enum(['last-write-wins', 'siblings']).default('last-write-wins'),
  /** Rejects a write whose `token` is lower than one that it has seen for the key. */
  fencing: z.boolean().default(false),
  /** Values by key at the beginning. */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

type Options = z.output<typeof options>;

/** A value with the time of its writer's clock and the order in which it was acknowledged. */
interface Version {
  readonly value: Value;
  readonly clock: number;
  readonly order: number;
}

/** What each copy holds, by key. */
export interface StoreState {
  readonly copies: readonly Readonly<Record<string, Version>>[];
  readonly tokens: Readonly<Record<string, number>>;
  /** Order of the newest acknowledged write, by key. */
  readonly acknowledged: Readonly<Record<string, number>>;
  readonly writes: number;
}

/** A key-value store: one linearizable copy, or leaderless copies with n, r and w (DDIA, leaderless replication). */
export const store = defineKind({
  kind: 'store',
  options,
  create: (name: string, given: Options): Component<StoreState> => {
    const { n, r = Math.floor(n / 2) + 1, w = Math.floor(n / 2) + 1 } = given;
    const first = Object.fromEntries(
      Object.entries(given.values).map(([key, value]): [string, Version] => [key, { value, clock: 0, order: 0 }]),
    );
    return {
      name,
      kind: 'store',
      verbs: ['read', 'write', 'delete', 'cas'],
      initial: { copies: Array.from({ length: n }, () => first), tokens: {}, acknowledged: {}, writes: 0 },
      call: (state, verb, args) => {
        const key = toText(need(args, 'key', verb));
        switch (verb) {
          case 'read':
            return reads(fenced(state, key, args, given), key, Math.min(r, n));
          case 'write':
          case 'delete':
            return writes(
              state,
              key,
              verb === 'delete' ? null : (args.to ?? args.data ?? args.with ?? args.value2 ?? args.value ?? null),
              args,
              Math.min(w, n),
              given,
            );
          case 'cas':
            return cas(state, key, args, n);
          default:
            throw new ComponentError(
              `${name} has no verb ${verb}; a store has read(key), write(key, value), delete(key), cas(key, expected, value)`,
            );
        }
      },
      // Anti-entropy: a copy learns the newest version of a key from another one.
      events: (state) => (n === 1 ? [] : repairs(state, name)),
      view: (state) =>
        Object.fromEntries(
          [...new Set(state.copies.flatMap((copy) => Object.keys(copy)))].map((key) => [
            key,
            newest(state.copies.map((copy) => copy[key]))?.value ?? null,
          ]),
        ),
    };
  },
});

function newest(versions: readonly (Version | undefined)[]): Version | undefined {
  return versions.reduce(
    (best, version) => (version && (!best || version.clock > best.clock) ? version : best),
    undefined,
  );
}

/** A read that carries a token makes it known too: otherwise an older holder may still write between read and write. */
function fenced(state: StoreState, key: string, { token }: Arguments, { fencing }: Options): StoreState {
  if (!fencing || typeof token !== 'number') return state;
  return { ...state, tokens: { ...state.tokens, [key]: Math.max(state.tokens[key] ?? -1, token) } };
}

/** All sets of `size` copies. */
function quorums(count: number, size: number): number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => bits & (1 << i)),
  ).filter((set) => set.length === size);
}

function reads(state: StoreState, key: string, r: number): CallOutcome<StoreState>[] {
  const outcomes = new Map<string, CallOutcome<StoreState>>();
  for (const set of quorums(state.copies.length, r)) {
    const version = newest(set.map((i) => state.copies[i]?.[key]));
    const value = version?.value ?? null;
    const stale = (version?.order ?? 0) < (state.acknowledged[key] ?? 0);
    outcomes.set(JSON.stringify([value, stale]), {
      state,
      answer: value,
      fault: false,
      says: `${toText(value)}${stale ? ' (older than an acknowledged write)' : ''}`,
      ...(stale && { breaks: ['linearizable'] }),
    });
  }
  return [...outcomes.values()];
}

function writes(
  state: StoreState,
  key: string,
  value: Value,
  args: Arguments,
  w: number,
  { fencing }: Options,
): CallOutcome<StoreState>[] {
  const token = typeof args.token === 'number' ? args.token : undefined;
  const seen = state.tokens[key] ?? -1;
  if (fencing && token !== undefined && token < seen) {
    return [{ state, answer: undefined, fault: false, says: `rejected: token ${token} is older than ${seen}` }];
  }
  const order = state.writes + 1;
  const top = Math.max(0, ...state.copies.flatMap((copy) => (copy[key] ? [copy[key].clock] : [])));
  const put = (clock: number, set: readonly number[], fault: boolean, says: string): CallOutcome<StoreState> => ({
    state: {
      copies: state.copies.map((copy, i) => {
        const old = copy[key];
        return set.includes(i) && !(old && old.clock > clock) ? { ...copy, [key]: { value, clock, order } } : copy;
      }),
      tokens: token === undefined ? state.tokens : { ...state.tokens, [key]: Math.max(seen, token) },
      acknowledged: { ...state.acknowledged, [key]: order },
      writes: order,
    },
    answer: true,
    fault,
    says,
  });
  const sets = quorums(state.copies.length, w);
  const normal = sets.map((set) =>
    put(top + 1, set, false, state.copies.length === 1 ? 'ok' : `ok on copies ${set.map((i) => i + 1).join(', ')}`),
  );
  if (state.copies.length === 1 || top === 0) return normal;
  // A clock that is behind gives the newer write the older time: last-write-wins drops it.
  const [all = []] = sets;
  return [...normal, put(top - 1, all, true, 'acknowledged, with a clock that is behind')];
}

function cas(state: StoreState, key: string, args: Arguments, n: number): CallOutcome<StoreState>[] {
  if (n > 1)
    throw new ComponentError('cas needs a store with one copy (n: 1): leaderless copies cannot compare and set');
  const copy = state.copies[0] ?? {};
  const current = copy[key]?.value ?? null;
  if (!same(current, args.expected ?? null))
    return [{ state, answer: false, fault: false, says: `refused: it is ${toText(current)}` }];
  const order = state.writes + 1;
  const next = { value: args.to ?? args.value ?? null, clock: (copy[key]?.clock ?? 0) + 1, order };
  return [
    {
      state: {
        ...state,
        copies: [{ ...copy, [key]: next }],
        acknowledged: { ...state.acknowledged, [key]: order },
        writes: order,
      },
      answer: true,
      fault: false,
      says: 'ok',
    },
  ];
}

function repairs(state: StoreState, name: string) {
  const keys = [...new Set(state.copies.flatMap((copy) => Object.keys(copy)))];
  return keys.flatMap((key) => {
    const best = newest(state.copies.map((copy) => copy[key]));
    const behind = state.copies.findIndex((copy) => copy[key]?.order !== best?.order);
    if (behind < 0 || !best) return [];
    const copies = state.copies.map((copy) => ({ ...copy, [key]: best }));
    return [
      {
        state: { ...state, copies },
        fault: false,
        says: `${name}: copies of ${key} converge on ${toText(best.value)}`,
      },
    ];
  });
}
