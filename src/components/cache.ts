import { z } from 'zod';
import { toText, type Value } from '../sql/values.ts';
import { type Component, ComponentError, defineKind, need } from './component.ts';

const options = z.strictObject({
  /** Values by key at the beginning. */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** Keeps the entry with the higher `version` argument of set. */
  versioned: z.boolean().default(false),
});

/** Entries by key. */
export interface CacheState {
  readonly entries: Readonly<Record<string, { readonly value: Value; readonly version: number }>>;
}

/** A cache beside the source of truth: no transaction, and an entry may vanish at any moment. */
export const cache = defineKind({
  kind: 'cache',
  options,
  create: (name: string, { values, versioned }: z.output<typeof options>): Component<CacheState> => ({
    name,
    kind: 'cache',
    verbs: ['get', 'set', 'delete'],
    initial: {
      entries: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value, version: 0 }])),
    },
    call: (state, verb, args) => {
      const key = toText(need(args, 'key', verb));
      const entry = state.entries[key];
      switch (verb) {
        case 'get':
          return [{ state, answer: entry?.value ?? null, fault: false, says: entry ? toText(entry.value) : 'miss' }];
        case 'set': {
          const version = typeof args.version === 'number' ? args.version : (entry?.version ?? 0);
          if (versioned && entry && version < entry.version) {
            return [
              { state, answer: false, fault: false, says: `kept: version ${version} is older than ${entry.version}` },
            ];
          }
          const value = args.to ?? args.data ?? args.value ?? null;
          return [
            {
              state: { entries: { ...state.entries, [key]: { value, version } } },
              answer: true,
              fault: false,
              says: 'ok',
            },
          ];
        }
        case 'delete': {
          const { [key]: _, ...rest } = state.entries;
          return [
            { state: { entries: rest }, answer: true, fault: false, says: 'ok' },
            { state, answer: undefined, fault: true, says: 'does not reach the cache' },
          ];
        }
        default:
          throw new ComponentError(`${name} has no verb ${verb}; a cache has get(key), set(key, to), delete(key)`);
      }
    },
    events: (state) =>
      Object.keys(state.entries).map((key) => {
        const { [key]: _, ...rest } = state.entries;
        return { state: { entries: rest }, fault: true, says: `${name} evicts ${key}` };
      }),
    view: (state) => Object.fromEntries(Object.entries(state.entries).map(([key, entry]) => [key, entry.value])),
  }),
});
