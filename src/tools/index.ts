import type { AnyTool } from './any-tool.ts';
import { assessConsistency } from './assess-consistency.ts';
import { explainIsolationLevel } from './explain-isolation-level.ts';
import { recommendPattern } from './recommend-pattern.ts';

/** All tools, in the order in which clients see them. */
export const tools: readonly AnyTool[] = [assessConsistency, recommendPattern, explainIsolationLevel];
