import type { Dialect } from '../sql/parse.ts';
import type { ConcurrencyControl } from '../vocabulary/concurrency-control.ts';

/** A level that an engine gives, and how the explorer runs it. */
export interface EngineLevel {
  /** As the engine spells it. */
  readonly name: string;
  readonly control: ConcurrencyControl;
}

/** The database of a design, as far as its behaviour is known. */
export interface Engine {
  /** Name and version, for the answer. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly defaultLevel: string;
  /** Levels from weakest to strongest that the explorer can run. */
  readonly levels: readonly EngineLevel[];
  /** @throws DesignError with what is allowed when the engine has no such level or the explorer cannot run it. */
  readonly level: (name: string) => EngineLevel;
}
