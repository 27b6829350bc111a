import type { Design } from '../design/design.ts';
import type { Repair } from './repair.ts';
import { replacedSteps, stepsOf } from './rewrite.ts';

/** The store checks the lock's token, so that a holder whose lease ended cannot write any more. */
export const fencingToken: Repair = {
  id: 'fencing-token',
  cost: 3,
  patterns: ['fencing-token'],
  apply: (design) => {
    const of = (kind: string) =>
      design.components.filter((component) => component.kind === kind).map((component) => component.name);
    const [locks, stores] = [of('lock'), of('store')];
    if (locks.length === 0 || stores.length === 0) return [];
    const fenced: Design = {
      ...design,
      components: design.components.map((component) =>
        stores.includes(component.name) ? { ...component, fencing: true } : component,
      ),
      operations: design.operations.map((operation) => {
        const steps = stepsOf(operation, design);
        const token =
          steps.find(
            (step) =>
              step.action.kind === 'call' && locks.includes(step.action.component) && step.action.verb === 'acquire',
          )?.into[0] ?? 'token';
        return {
          ...operation,
          steps: steps.map((step) => {
            const { action } = step;
            if (action.kind !== 'call') return step.text;
            if (locks.includes(action.component) && action.verb === 'acquire' && step.into.length === 0)
              return step.text.replace(/(\w+\.acquire)/, `${token} := $1`);
            const guarded = stores.includes(action.component) && action.verb !== 'cas';
            return guarded && !action.arguments.some((argument) => argument.name === 'token')
              ? step.text.replace(/\)\s*$/, `, token: ${token})`)
              : step.text;
          }),
        };
      }),
    };
    const change = replacedSteps(design, fenced);
    return change.length === 0
      ? []
      : [
          {
            title: `Fencing: ${stores.join(', ')} rejects a token older than one it has seen, on reads and writes`,
            change,
            design: fenced,
          },
        ];
  },
};
