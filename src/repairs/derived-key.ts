import type { Design } from '../design/design.ts';
import type { Repair } from './repair.ts';
import { replacedSteps, stepsOf } from './rewrite.ts';

/** The service recognises a repeated request by a key that is derived from the request's own. */
export const derivedKey: Repair = {
  id: 'derived-key',
  cost: 2,
  patterns: ['idempotency-key', 'end-to-end-op-id'],
  apply: (design) => {
    const key = requestKey(design);
    const open = design.components.filter(
      (component) => component.kind === 'service' && component.idempotencyKey === undefined,
    );
    if (key === undefined || open.length === 0) return [];
    const verbs = new Set(
      design.operations.flatMap((operation) =>
        stepsOf(operation, design).flatMap(({ action }) =>
          action.kind === 'call' && open.some((component) => component.name === action.component)
            ? [`${action.component}.${action.verb}`]
            : [],
        ),
      ),
    );
    const keyed: Design = {
      ...design,
      components: design.components.map((component) =>
        open.includes(component) ? { ...component, idempotencyKey: 'key' } : component,
      ),
      operations: design.operations.map((operation) => ({
        ...operation,
        steps: stepsOf(operation, design).map((step) => {
          const action = step.action;
          if (action.kind !== 'call' || !open.some((component) => component.name === action.component))
            return step.text;
          return step.text.replace(
            /\)\s*$/,
            `${action.arguments.length > 0 ? ', ' : ''}key: ${verbs.size > 1 ? `'${action.verb}-' + string(${key})` : key})`,
          );
        }),
      })),
    };
    const change = replacedSteps(design, keyed);
    return [
      {
        title: `Pass a key derived from ${key} to ${open.map((component) => component.name).join(', ')}, so that a repeated call has no second effect`,
        change,
        design: keyed,
      },
    ];
  },
};

/** The parameter that names a request: the one that at-most-once counts by, else one called like it. */
export function requestKey(design: Design): string | undefined {
  const parameters = new Set(
    design.operations.flatMap((operation) => (operation.runs ?? []).flatMap((run) => Object.keys(run))),
  );
  const per = design.properties.flatMap((property) => /\sper\s+(\w+)$/.exec(property['at-most-once'] ?? '')?.[1] ?? []);
  return [...per, 'request', 'request_id', 'requestId', 'key', 'idempotency_key', 'id', ...parameters].find((name) =>
    parameters.has(name),
  );
}
