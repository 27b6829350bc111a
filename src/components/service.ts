import type { Value } from '../sql/values.ts';

/** A service outside the database: a payment provider, a mail gateway, another team's API. */
export interface ServiceState {
  /** Effects in the order in which they happened. */
  readonly effects: readonly Effect[];
}

/** Something that a service did and that cannot be taken back. */
export interface Effect {
  readonly verb: string;
  readonly arguments: Readonly<Record<string, Value>>;
  /** Index of the calling process: one request of a client, with all its retries. */
  readonly by: number;
  /** Parameters of that request. */
  readonly request: Readonly<Record<string, Value>>;
}

/** What became of a call. */
export interface ServiceOutcome {
  readonly state: ServiceState;
  /** Undefined when the caller gets an error. */
  readonly answer: Value | undefined;
  readonly fault: boolean;
  readonly says: string;
}

/** A service without effects so far. */
export const emptyService: ServiceState = { effects: [] };

/**
 * All outcomes of a call: it succeeds; it takes effect and the answer is lost; it fails before the effect.
 *
 * @param idempotencyKey name of the argument by which the service recognises a repeated request.
 */
export function callService(state: ServiceState, effect: Effect, idempotencyKey: string | undefined): ServiceOutcome[] {
  const key = idempotencyKey === undefined ? undefined : effect.arguments[idempotencyKey];
  const known =
    key === undefined || key === null
      ? -1
      : state.effects.findIndex((other) => other.verb === effect.verb && other.arguments[idempotencyKey ?? ''] === key);
  const done: ServiceState = known >= 0 ? state : { effects: [...state.effects, effect] };
  const answer = `${effect.verb}-${known >= 0 ? known + 1 : done.effects.length}`;
  const verb = known >= 0 ? 'recognises the key, no new effect' : 'takes effect';
  return [
    { state: done, answer, fault: false, says: `${verb} -> ${answer}` },
    { state: done, answer: undefined, fault: true, says: `${verb}, then the answer is lost (time-out)` },
    { state, answer: undefined, fault: true, says: 'fails before any effect' },
  ];
}
