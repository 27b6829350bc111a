import type { Design } from '../design/design.ts';
import type { Repair } from './repair.ts';
import { freshName, sqlOf, stepsOf } from './rewrite.ts';

/** The message is recorded in the transaction of its effect, and acknowledged after the commit. */
export const inbox: Repair = {
  id: 'inbox',
  cost: 2,
  patterns: ['idempotent-consumer', 'effectively-once-sink'],
  apply: (design) => {
    const sources = design.components
      .filter((component) => component.kind === 'queue' || component.kind === 'log')
      .map((component) => component.name);
    const changed: string[] = [];
    const acknowledge: string[] = [];
    const operations = design.operations.map((operation): Design['operations'][number] => {
      const steps = stepsOf(operation, design);
      const receiveAt = steps.findIndex(
        (step) =>
          step.action.kind === 'call' &&
          sources.includes(step.action.component) &&
          /^(receive|poll)$/.test(step.action.verb),
      );
      const message = steps[receiveAt]?.into[0];
      const effects = steps.filter((step) => sqlOf(step) !== undefined);
      if (
        message === undefined ||
        effects.length === 0 ||
        operation.steps.some((step) => /\binbox\b.*ON CONFLICT/i.test(step))
      )
        return operation;
      const fresh = freshName('fresh', operation);
      const done = steps.filter(
        (step) =>
          step.action.kind === 'call' &&
          sources.includes(step.action.component) &&
          /^(ack|save)$/.test(step.action.verb),
      );
      const inside = steps
        .slice(receiveAt + 1)
        .filter((step) => !done.includes(step) && !/^(begin|commit)$/.test(step.action.kind));
      const claim = `${fresh} := INSERT INTO inbox VALUES (:${message}) ON CONFLICT DO NOTHING`;
      const guarded = inside.map((step) =>
        step.condition
          ? step.text.replace(step.condition.text, `${fresh} == 1 && ${step.condition.text}`)
          : `if ${fresh} == 1: ${step.text}`,
      );
      changed.push(claim, ...guarded);
      acknowledge.push(...done.map((step) => step.text));
      const { transaction: _, ...rest } = operation;
      return {
        ...rest,
        steps: [
          ...steps.slice(0, receiveAt + 1).map((step) => step.text),
          'begin',
          claim,
          ...guarded,
          'commit',
          ...done.map((step) => step.text),
        ],
      };
    });
    if (changed.length === 0) return [];
    const table = 'CREATE TABLE inbox (message text PRIMARY KEY)';
    return [
      {
        title: 'Inbox: record the message in the transaction of its effect, acknowledge after the commit',
        change: [table, 'begin', ...new Set(changed), 'commit', ...new Set(acknowledge)],
        design: { ...design, schema: `${design.schema ?? ''};\n${table}`, operations },
      },
    ];
  },
};
