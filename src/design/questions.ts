import type { Design } from './design.ts';

/** Something that the design leaves open, with the other answer to explore. */
export interface OpenQuestion {
  readonly ask: string;
  /** What the design was taken to say. */
  readonly assumed: string;
  /** The other answer, in words and as a design. */
  readonly otherwise: string;
  readonly design: Design;
}

/**
 * What the design as it was written leaves open and could change the verdict.
 *
 * @param written the fields of each operation that were given, before defaults were filled in.
 */
export function openQuestions(design: Design, written: readonly ReadonlySet<string>[]): OpenQuestion[] {
  const questions: OpenQuestion[] = [];
  const sql = (step: string) => /\b(select|insert|update|delete)\b/i.test(step);
  const open = (field: string) => (_: unknown, i: number) => !written[i]?.has(field);
  const change = (indexes: readonly number[], fields: Partial<Design['operations'][number]>): Design => ({
    ...design,
    operations: design.operations.map((operation, i) =>
      indexes.includes(i) ? { ...operation, ...fields } : operation,
    ),
  });
  const indexes = design.operations.map((_, i) => i);

  const unsaid = indexes.filter(
    (i) =>
      open('transaction')(0, i) &&
      (design.operations[i]?.steps.filter(sql).length ?? 0) > 1 &&
      !design.operations[i]?.steps.some((step) => /^begin/i.test(step)),
  );
  if (unsaid.length > 0) {
    questions.push({
      ask: `Do all steps of ${names(design, unsaid)} run in one database transaction?`,
      assumed: 'yes',
      otherwise: 'no, each statement commits alone',
      design: change(unsaid, { transaction: 'none' }),
    });
  }
  const calls = indexes.filter(
    (i) =>
      open('retries')(0, i) &&
      design.operations[i]?.steps.some((step) =>
        design.components.some((component) => step.includes(`${component.name}.`)),
      ),
  );
  if (calls.length > 0) {
    questions.push({
      ask: `Does anybody (client, gateway, job runner) call ${names(design, calls)} again after an error or a time-out?`,
      assumed: 'no',
      otherwise: 'yes',
      design: change(calls, { retries: 1 }),
    });
  }
  return questions;
}

function names(design: Design, indexes: readonly number[]): string {
  return indexes.map((i) => design.operations[i]?.name).join(', ');
}
