import { z } from 'zod';
import { toText, type Value } from '../sql/values.ts';
import { type Component, ComponentError, defineKind } from './component.ts';

const options = z.strictObject({
  /** Messages that wait at the beginning. */
  messages: z
    .array(z.union([z.string(), z.number()]))
    .max(4)
    .default([]),
});

/** A message with who works on it. */
interface Message {
  readonly id: number;
  readonly body: Value;
  readonly heldBy: number | null;
}

/** Messages that are not acknowledged. */
export interface QueueState {
  readonly messages: readonly Message[];
  readonly published: number;
}

/**
 * A work queue: at-least-once delivery in no particular order; a message whose visibility time-out passes is given to
 * somebody else while the first consumer may still work on it.
 */
export const queue = defineKind({
  kind: 'queue',
  options,
  create: (name: string, { messages }: z.output<typeof options>): Component<QueueState> => ({
    name,
    kind: 'queue',
    verbs: ['publish', 'receive', 'ack'],
    initial: { messages: messages.map((body, i) => ({ id: i + 1, body, heldBy: null })), published: messages.length },
    call: (state, verb, args, caller) => {
      switch (verb) {
        case 'publish': {
          const body = args.message ?? args.value ?? null;
          const id = state.published + 1;
          const done = { messages: [...state.messages, { id, body, heldBy: null }], published: id };
          return [
            { state: done, answer: true, fault: false, says: 'ok' },
            { state: done, answer: undefined, fault: true, says: 'published, then the answer is lost (time-out)' },
          ];
        }
        case 'receive':
          return state.messages
            .filter((message) => message.heldBy === null)
            .map((message) => ({
              state: {
                ...state,
                messages: state.messages.map((other) =>
                  other === message ? { ...message, heldBy: caller.process } : other,
                ),
              },
              answer: message.body,
              fault: false,
              says: toText(message.body),
            }));
        case 'ack': {
          const held = state.messages.find((message) => message.heldBy === caller.process);
          const rest = state.messages.filter((message) => message !== held);
          return [
            {
              state: { ...state, messages: rest },
              answer: held !== undefined,
              fault: false,
              says: held ? 'ok' : 'too late: given to somebody else',
            },
          ];
        }
        default:
          throw new ComponentError(`${name} has no verb ${verb}; a queue has publish(message), receive(), ack()`);
      }
    },
    events: (state) =>
      state.messages
        .filter((message) => message.heldBy !== null)
        .map((message) => ({
          state: {
            ...state,
            messages: state.messages.map((other) => (other === message ? { ...message, heldBy: null } : other)),
          },
          fault: true,
          says: `visibility time-out: ${name} offers ${toText(message.body)} again`,
        })),
    crash: (state, process) => ({
      ...state,
      messages: state.messages.map((message) => (message.heldBy === process ? { ...message, heldBy: null } : message)),
    }),
    view: (state) => ({ waiting: state.messages.length, published: state.published }),
  }),
});
