import type { Design } from '../design/design.ts';
import type { Engine } from '../design/engine.ts';

/** A change of a design that may remove a hazard. Whether it does is decided by exploring it again. */
export interface Repair {
  readonly id: string;
  /** Cheapest first: 1 declared rule or atomic statement, 3 locks, 5 aborts and retries, 7 another protocol. */
  readonly cost: number;
  /** Patterns that explain it. */
  readonly patterns: readonly string[];
  /** Changed designs; none where the repair does not fit. */
  readonly apply: (design: Design, engine: Engine) => readonly Candidate[];
}

/** A changed design. */
export interface Candidate {
  /** What to do, in one line. */
  readonly title: string;
  /** The steps or declarations as they are to be written. */
  readonly change: readonly string[];
  readonly design: Design;
}
