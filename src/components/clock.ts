import { z } from 'zod';
import { type Component, ComponentError, defineKind } from './component.ts';

const options = z.strictObject({});

/** Readings so far. */
export interface ClockState {
  readonly readings: number;
}

/** Wall clocks of several machines: each reading is later than the last, unless a clock is behind. */
export const clock = defineKind({
  kind: 'clock',
  options,
  create: (name: string): Component<ClockState> => ({
    name,
    kind: 'clock',
    verbs: ['now'],
    initial: { readings: 0 },
    call: (state, verb) => {
      if (verb !== 'now') throw new ComponentError(`${name} has no verb ${verb}; a clock has now()`);
      const readings = state.readings + 1;
      const next = { readings };
      if (state.readings === 0) return [{ state: next, answer: 10, fault: false, says: '10' }];
      return [
        { state: next, answer: readings * 10, fault: false, says: String(readings * 10) },
        {
          state: next,
          answer: (readings - 1) * 10 - 5,
          fault: true,
          says: `${(readings - 1) * 10 - 5} (this machine's clock is behind)`,
        },
      ];
    },
    view: (state) => state.readings,
  }),
});
