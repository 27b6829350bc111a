import { COLLECTION_FUNCTIONS } from './collection.ts';
import { NUMBER_FUNCTIONS } from './number.ts';
import type { Scalar } from './scalar.ts';
import { TEXT_FUNCTIONS } from './text.ts';
import { TIME_FUNCTIONS } from './time.ts';

const ALL = new Map<string, Scalar>(
  [TEXT_FUNCTIONS, NUMBER_FUNCTIONS, TIME_FUNCTIONS, COLLECTION_FUNCTIONS].flatMap((table) => Object.entries(table)),
);

/** A function of its arguments alone, by its name in lower case. */
export const scalarFunction = (name: string): Scalar | undefined => ALL.get(name);
