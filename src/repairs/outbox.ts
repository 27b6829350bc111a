import type { Design } from '../design/design.ts';
import type { Repair } from './repair.ts';
import { sqlOf, stepsOf } from './rewrite.ts';

/** The message is written to an outbox in the transaction of the change; a relay publishes what is there. */
export const outbox: Repair = {
  id: 'outbox',
  cost: 4,
  patterns: ['transactional-outbox', 'cdc'],
  apply: (design) => {
    const brokers = design.components
      .filter(({ kind }) => kind === 'queue' || kind === 'log')
      .map((component) => component.name);
    const changed: string[] = [];
    let broker: string | undefined;
    let count = 0;
    const operations = design.operations.map((operation): Design['operations'][number] => {
      const steps = stepsOf(operation, design);
      const publishing = steps.filter(
        (step) =>
          step.action.kind === 'call' && brokers.includes(step.action.component) && step.action.verb === 'publish',
      );
      const [first] = publishing;
      if (first?.action.kind !== 'call' || publishing.length > 1 || !steps.some((step) => sqlOf(step) !== undefined))
        return operation;
      if (steps.some((step) => step.action.kind === 'call' && step !== first)) return operation;
      const message = first.action.arguments.find(
        (argument) => argument.name === 'message' || argument.name === 'value',
      );
      if (!message || !/^\w+$/.test(message.value.text)) return operation;
      broker = first.action.component;
      count += operation.runs?.length ?? 1;
      const insert = `${first.condition ? `if ${first.condition.text}: ` : ''}INSERT INTO outbox (body) VALUES (:${message.value.text})`;
      changed.push(insert);
      const { transaction: _, ...rest } = operation;
      return {
        ...rest,
        steps: steps
          .filter((step) => step.action.kind !== 'begin' && step.action.kind !== 'commit')
          .map((step) => (step === first ? insert : step.text)),
      };
    });
    if (broker === undefined) return [];
    const table = 'CREATE TABLE outbox (id serial PRIMARY KEY, body text, sent boolean NOT NULL DEFAULT false)';
    const relay: Design['operations'][number] = {
      name: 'relay',
      transaction: 'none',
      retries: 1,
      steps: [
        'await SELECT id FROM outbox WHERE NOT sent',
        '(id, body) := SELECT id, body FROM outbox WHERE NOT sent ORDER BY id LIMIT 1',
        `${broker}.publish(message: body)`,
        'UPDATE outbox SET sent = true WHERE id = :id',
      ],
      runs: Array.from({ length: Math.min(count, 4) }, () => ({})),
    };
    return [
      {
        title: `Outbox: write the message in the transaction of the change, and let one relay publish to ${broker} (at least once)`,
        change: [table, ...new Set(changed), ...relay.steps.map((step) => `relay: ${step}`)],
        design: { ...design, schema: `${design.schema ?? ''};\n${table}`, operations: [...operations, relay] },
      },
    ];
  },
};
