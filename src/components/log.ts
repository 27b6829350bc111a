import { z } from 'zod';
import { toText, type Value } from '../sql/values.ts';
import { type Component, ComponentError, defineKind } from './component.ts';

const options = z.strictObject({
  partitions: z.number().int().min(1).max(3).default(1),
  /** Entries at the beginning, in order; with `key: value` text the key chooses the partition. */
  entries: z
    .array(z.union([z.string(), z.number()]))
    .max(5)
    .default([]),
});

/** Entries by partition, the saved offset of each, and where each consumer reads. */
export interface LogState {
  readonly entries: readonly (readonly Value[])[];
  readonly saved: readonly number[];
  readonly positions: Readonly<Record<string, readonly number[]>>;
}

/** A partitioned log: order inside a partition only; a consumer that starts again begins at the saved offset. */
export const log = defineKind({
  kind: 'log',
  options,
  create: (name: string, given: z.output<typeof options>): Component<LogState> => {
    const partitionOf = (key: Value) =>
      [...toText(key)].reduce((sum, char) => sum + char.charCodeAt(0), 0) % given.partitions;
    const first: Value[][] = Array.from({ length: given.partitions }, () => []);
    for (const entry of given.entries) first[partitionOf(String(entry).split(':')[0] ?? '')]?.push(entry);
    return {
      name,
      kind: 'log',
      verbs: ['publish', 'poll', 'save'],
      initial: { entries: first, saved: first.map(() => 0), positions: {} },
      call: (state, verb, args, caller) => {
        const own = state.positions[caller.process] ?? state.saved;
        switch (verb) {
          case 'publish': {
            const partition = partitionOf(args.key ?? args.message ?? args.value ?? null);
            const body = args.message ?? args.value ?? null;
            const done = {
              ...state,
              entries: state.entries.map((list, i) => (i === partition ? [...list, body] : list)),
            };
            return [
              { state: done, answer: true, fault: false, says: `ok, partition ${partition}` },
              { state: done, answer: undefined, fault: true, says: 'published, then the answer is lost (time-out)' },
            ];
          }
          case 'poll':
            return state.entries.flatMap((list, partition) => {
              const at = own[partition] ?? 0;
              const entry = list[at];
              if (entry === undefined) return [];
              const positions = own.map((position, i) => (i === partition ? position + 1 : position));
              return [
                {
                  state: { ...state, positions: { ...state.positions, [caller.process]: positions } },
                  answer: entry,
                  fault: false,
                  says: `${toText(entry)} (offset ${at}${given.partitions > 1 ? ` of partition ${partition}` : ''})`,
                },
              ];
            });
          case 'save':
            return [
              {
                state: { ...state, saved: state.saved.map((offset, i) => Math.max(offset, own[i] ?? 0)) },
                answer: true,
                fault: false,
                says: `offset ${own.join(', ')}`,
              },
            ];
          default:
            throw new ComponentError(`${name} has no verb ${verb}; a log has publish(message, key), poll(), save()`);
        }
      },
      crash: (state, process) => {
        const { [String(process)]: _, ...rest } = state.positions as Record<string, readonly number[]>;
        return { ...state, positions: rest };
      },
      view: (state) => ({
        entries: state.entries.flat().length,
        saved: state.saved.reduce((sum, offset) => sum + offset, 0),
      }),
    };
  },
});
