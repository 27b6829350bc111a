import type { Program } from '../program.ts';
import type { World } from '../search.ts';

/** A property that can be checked in a situation. */
export interface Check {
  readonly kind:
    | 'invariant'
    | 'at-most-once'
    | 'exactly-once'
    | 'all-or-nothing'
    | 'serializable'
    | 'linearizable'
    | 'mutual-exclusion';
  /** As the answer calls it. */
  readonly name: string;
  /** As the design writes it. */
  readonly text: string;
  /** Whether it was assumed because the design has no property. */
  readonly assumed: boolean;
  /** Whether it can break before the end of an execution; otherwise only final situations are looked at. */
  readonly early: boolean;
  /** It speaks of all requests together and cannot be judged with some of them. */
  readonly ofAll?: true;
  /** Why it cannot be decided, where it cannot. */
  readonly undecided?: string;
  /**
   * Undefined while it holds; else what a user would see.
   *
   * @param final nothing more happens without a fault.
   */
  readonly broken: (world: World, final: boolean) => string | undefined;
}

/** Compiles one kind of property. @throws DesignError, GapsError */
export type CheckCompiler = (
  text: string,
  program: Program,
  options: {
    readonly name?: string | undefined;
    readonly when?: string | undefined;
    /** Time for what has to be computed beforehand. */
    readonly milliseconds?: number | undefined;
    readonly let?: Readonly<Record<string, string>> | undefined;
  },
) => Promise<Check> | Check;
