import type { z } from 'zod';
import type { Value } from '../sql/values.ts';

/** Arguments of a call by name; an unnamed first argument is called `value`. */
export type Arguments = Readonly<Record<string, Value>>;

/** Who calls: one request of a client, with all its tries. */
export interface Caller {
  readonly process: number;
  /** Variables of the request at the time of the call. */
  readonly request: Arguments;
}

/** What became of a call. */
export interface CallOutcome<S> {
  readonly state: S;
  /** Undefined: the caller gets an error (a time-out, say). */
  readonly answer: Value | undefined;
  /** Whether this outcome needs something to go wrong. */
  readonly fault: boolean;
  /** The effect in words, for the timeline. */
  readonly says: string;
  /** Guarantees that this call was seen to break, e.g. `linearizable`. */
  readonly breaks?: readonly string[];
}

/** Something that happens without a caller: an eviction, a lease that expires, a redelivery. */
export interface Event<S> {
  readonly state: S;
  readonly fault: boolean;
  readonly says: string;
}

/**
 * A component of a design: its state, its verbs and its faults. States are plain data; two states are the same when
 * their JSON is, so that the explorer can tell what it has seen.
 */
export interface Component<S = unknown> {
  readonly name: string;
  readonly kind: string;
  readonly initial: S;
  /** Verbs that it knows; undefined: any verb. */
  readonly verbs?: readonly string[];
  /** All outcomes of a call; none while the caller has to wait. @throws ComponentError for arguments that do not fit. */
  readonly call: (state: S, verb: string, args: Arguments, caller: Caller) => readonly CallOutcome<S>[];
  /** What may happen by itself. */
  readonly events?: (state: S) => readonly Event<S>[];
  /** The caller died: what it held is given up (or not). */
  readonly crash?: (state: S, process: number) => S;
  /** What expressions of properties see under the component's name. */
  readonly view: (state: S) => unknown;
}

/** A kind of component. */
export interface ComponentKind {
  readonly kind: string;
  /** Fields that a design may give besides name and kind. */
  readonly options: z.ZodObject;
  readonly create: (name: string, options: unknown) => Component;
}

/** Keeps the types of options and state together while a kind is written; afterwards they are nobody's business. */
export function defineKind<O extends z.ZodObject, S>(definition: {
  readonly kind: string;
  readonly options: O;
  readonly create: (name: string, options: z.output<O>) => Component<S>;
}): ComponentKind {
  return definition as unknown as ComponentKind;
}

/** A call that the component cannot understand. */
export class ComponentError extends Error {
  override name = 'ComponentError';
}

/** The argument called `name`, or the unnamed one. @throws ComponentError when it is missing. */
export function need(args: Arguments, name: string, verb: string): Exclude<Value, null> {
  const value = args[name] ?? args.value;
  if (value === undefined || value === null)
    throw new ComponentError(`${verb} needs the argument ${name}: write ${verb}(${name}: ...)`);
  return value;
}
