/** A step of a timeline. */
export interface TimelineStep {
  readonly by: string;
  readonly step: string;
  readonly result: string;
  readonly fault?: boolean | undefined;
}

/** A timeline as a Mermaid sequence diagram: each request is a participant that talks to the system. */
export function sequenceDiagram(steps: readonly TimelineStep[]): string {
  const actors = [...new Set(steps.map((step) => step.by))];
  const name = (by: string) => `P${actors.indexOf(by) + 1}`;
  return [
    'sequenceDiagram',
    ...actors.map((by) => `  participant ${name(by)} as ${plainText(by)}`),
    '  participant S as system',
    ...steps.flatMap((step) => [
      `  ${name(step.by)}->>S: ${plainText(step.step)}`,
      ...(step.fault
        ? [`  Note over ${name(step.by)},S: ${plainText(step.result)}`]
        : step.result
          ? [`  S-->>${name(step.by)}: ${plainText(step.result)}`]
          : []),
    ]),
  ].join('\n');
}

/** Mermaid reads ; and # as syntax. */
const plainText = (text: string) => text.replaceAll(';', ',').replaceAll('#', '#35;').replace(/\s+/g, ' ');
