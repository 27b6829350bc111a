import type { Design } from '../design/design.ts';
import { requestKey } from './derived-key.ts';
import type { Repair } from './repair.ts';
import { freshName } from './rewrite.ts';

/** The request's key is claimed in a committed row before the effect; who finds it claimed does not repeat the effect. */
export const claimKey: Repair = {
  id: 'claim-key',
  cost: 3,
  patterns: ['idempotency-key'],
  apply: (design) => {
    const key = requestKey(design);
    if (key === undefined || !design.operations.some(causesEffect(design))) return [];
    const claimed: Design = {
      ...design,
      schema: `${design.schema ?? ''};\nCREATE TABLE claimed_requests (request text PRIMARY KEY)`,
      operations: design.operations.map((operation) => {
        if (!causesEffect(design)(operation) || !operation.runs?.every((run) => key in run)) return operation;
        const won = freshName('claimed', operation);
        return {
          ...operation,
          transaction: 'none' as const,
          steps: [
            `${won} := INSERT INTO claimed_requests VALUES (:${key}) ON CONFLICT DO NOTHING`,
            `if ${won} == 0: return 'in progress or done'`,
            ...operation.steps.filter((step) => !/^(begin|commit)\b/i.test(step)),
          ],
        };
      }),
    };
    if (claimed.operations.every((operation, i) => operation === design.operations[i])) return [];
    return [
      {
        title: `Claim ${key} in a committed row before the effect; a reconciler finishes what is claimed and not done`,
        change: [
          'CREATE TABLE claimed_requests (request text PRIMARY KEY)',
          'transaction: none (the claim commits before the call)',
          ...claimed.operations.flatMap((operation, i) =>
            operation === design.operations[i] ? [] : operation.steps.slice(0, 2),
          ),
        ],
        design: claimed,
      },
    ];
  },
};

const causesEffect = (design: Design) => (operation: Design['operations'][number]) =>
  operation.steps.some((step) =>
    design.components.some(
      (component) => component.kind === 'service' && new RegExp(`\\b${component.name}\\.\\w+\\(`).test(step),
    ),
  );
