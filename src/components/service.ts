import { z } from 'zod';
import { toText } from '../sql/values.ts';
import { type Arguments, type CallOutcome, type Component, defineKind } from './component.ts';

/** A service outside the database: a payment provider, a mail gateway, another team's API. */
export interface ServiceState {
  /** Effects in the order in which they happened. */
  readonly effects: readonly Effect[];
}

/** Something that a service did and that cannot be taken back. */
export interface Effect {
  readonly verb: string;
  readonly arguments: Arguments;
  /** The calling process: one request of a client, with all its retries. */
  readonly by: number;
  /** Variables of that request at the time of the call. */
  readonly request: Arguments;
}

const options = z.strictObject({
  /** The argument by which it recognises a repeated request; absent: every call takes effect. */
  idempotencyKey: z.string().optional(),
});

/** Any verb; succeeds, fails before the effect, or takes effect and loses the answer. */
export const service = defineKind({
  kind: 'service',
  options,
  create: (name: string, { idempotencyKey }: z.output<typeof options>): Component<ServiceState> => ({
    name,
    kind: 'service',
    initial: { effects: [] },
    call: (state, verb, args, caller) =>
      call(state, { verb, arguments: args, by: caller.process, request: caller.request }, idempotencyKey),
    view: (state) => {
      const counts: Record<string, number> = {};
      for (const effect of state.effects) counts[effect.verb] = (counts[effect.verb] ?? 0) + 1;
      return counts;
    },
  }),
});

function call(state: ServiceState, effect: Effect, idempotencyKey: string | undefined): CallOutcome<ServiceState>[] {
  const key = idempotencyKey === undefined ? undefined : effect.arguments[idempotencyKey];
  const same = (other: Effect) =>
    other.verb === effect.verb && toText(other.arguments[idempotencyKey ?? ''] ?? null) === toText(key ?? null);
  const known = key === undefined || key === null ? -1 : state.effects.findIndex(same);
  const done: ServiceState = known >= 0 ? state : { effects: [...state.effects, effect] };
  const answer = `${effect.verb}-${known >= 0 ? known + 1 : done.effects.length}`;
  const what = known >= 0 ? 'recognises the key, no new effect' : 'takes effect';
  return [
    { state: done, answer, fault: false, says: `${what} -> ${answer}` },
    { state: done, answer: undefined, fault: true, says: `${what}, then the answer is lost (time-out)` },
    { state, answer: undefined, fault: true, says: 'fails before any effect' },
  ];
}
