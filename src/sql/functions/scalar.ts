import type { SqlType, Value } from '../values.ts';

/** A function of its arguments alone. */
export interface Scalar {
  readonly call: (args: readonly Value[]) => Value;
  /** Type of the result; `argument` means that of the first argument. */
  readonly type: SqlType | 'argument';
  /** Called with NULL arguments too; otherwise a NULL argument gives NULL. */
  readonly loose?: true;
  /** Names of the arguments, where they may be given by name. */
  readonly names?: readonly string[];
}

/** Shorthand for a table of functions. */
export const scalar = (type: Scalar['type'], call: Scalar['call']): Scalar => ({ type, call });

/** Shorthand for a function that sees NULL arguments. */
export const loose = (type: Scalar['type'], call: Scalar['call']): Scalar => ({ type, call, loose: true });
