import type { TimelineStep } from './mermaid.ts';
import type { Style } from './style.ts';
import { bullets, table, wrap } from './table.ts';

/** The answer of a review of a design. */
export interface Review {
  readonly verdict: 'broken' | 'sound' | 'not decided' | 'not analysed';
  readonly summary: string;
  /** Worst first. */
  readonly findings: Finding[];
  /** Those that hold, cheapest first, then popular ones that do not. */
  readonly repairs: { repair: string; holds: boolean; change: string[]; note: string }[];
  /** `questions`, `holds`, `assumptions`, `bounds`, `not analysed`; absent where empty. */
  readonly notes: Record<string, string[]>;
}

/** A property that breaks. A type, not an interface: it is also plain JSON. */
export type Finding = {
  /** Standard name, e.g. `lost update`. */
  readonly hazard: string;
  readonly severity: string;
  readonly property: string;
  /** What a user would see, in the words of the design. */
  readonly says: string;
  /** The simplest execution that breaks it. */
  readonly timeline: TimelineStep[];
  /** What `databases/` says of it, with grades. */
  readonly evidence: string[];
  /** Ids of patterns to read. */
  readonly patterns: string[];
  /** Mermaid source, on request. */
  readonly diagram?: string;
};

/** Width of a cell of a timeline with one, two, three or more requests. */
const CELLS = [110, 54, 38] as const;

/** A review as text: verdict, findings with their timelines, repairs, what holds, bounds. */
export function renderReview(review: Review, style: Style): string {
  const mark = review.verdict === 'broken' ? style.bad : review.verdict === 'sound' ? style.good : style.warn;
  const parts = [`${mark(style.heading(review.verdict.toUpperCase()))}  ${wrap(review.summary, 110, '  ')}`];
  review.findings.forEach((finding, i) => {
    const title = `${i + 1}. ${finding.hazard} (${finding.severity}) breaks ${finding.property}`;
    parts.push(
      [
        style.heading(wrap(title, 110, '   ')),
        `   ${wrap(finding.says, 107, '   ')}`,
        ...(finding.timeline.length > 0 ? ['', renderTimeline(finding.timeline, style), ''] : []),
        ...(finding.evidence.length > 0 ? [style.dim(`   evidence: ${finding.evidence.join('; ')}`)] : []),
        ...(finding.patterns.length > 0
          ? [style.dim(`   patterns: ${finding.patterns.join(', ')} (recommend-pattern with id)`)]
          : []),
        ...(finding.diagram === undefined ? [] : ['', finding.diagram]),
      ].join('\n'),
    );
  });
  if (review.repairs.length > 0) parts.push(renderRepairs(review.repairs, style));
  for (const [name, items] of Object.entries(review.notes)) {
    if (items.length === 0) continue;
    parts.push(`${style.heading(TITLES[name] ?? name)}\n${bullets(items)}`);
  }
  return parts.join('\n\n');
}

const TITLES: Readonly<Record<string, string>> = {
  questions: 'Questions whose answer changes the verdict',
  holds: 'Holds',
  'any data': 'For any data',
  assumptions: 'Assumed',
  'other pairs': 'Other pairs of operations that break',
  bounds: 'Bounds',
  'not decided': 'Not decided',
  'not analysed': 'Not analysed',
};

/** One column for each request; a fault is marked. With more than three requests a column names them. */
function renderTimeline(steps: readonly TimelineStep[], style: Style): string {
  const actors = [...new Set(steps.map((step) => step.by))];
  const columns = actors.length > 3 ? ['request', 'step'] : actors;
  const width = CELLS[actors.length - 1] ?? 90;
  const lines: { cells: string[]; fault: boolean }[] = [{ cells: ['#', ...columns], fault: false }];
  steps.forEach((step, i) => {
    const text = `${step.fault ? '!! ' : ''}${step.step}${step.result ? ` -> ${step.result}` : ''}`;
    wrap(text, width)
      .split('\n')
      .forEach((part, n) => {
        const cells =
          actors.length > 3 ? [n === 0 ? step.by : '', part] : actors.map((by) => (by === step.by ? part : ''));
        lines.push({ cells: [n === 0 ? String(i + 1) : '', ...cells], fault: step.fault === true });
      });
  });
  const [head = '', ...body] = table(
    lines.map((line) => line.cells),
    '  ',
    '   ',
  ).split('\n');
  return [style.dim(head), ...body.map((line, i) => (lines[i + 1]?.fault ? style.warn(line) : line))].join('\n');
}

function renderRepairs(repairs: Review['repairs'], style: Style): string {
  const lines = repairs.flatMap((repair) => [
    `  ${repair.holds ? style.good('holds ') : style.bad('breaks')} ${wrap(`${repair.repair}: ${repair.note}`, 102, '         ')}`,
    ...repair.change.map((change) => style.dim(`           ${change}`)),
  ]);
  return `${style.heading('Repairs, each explored again')}\n${lines.join('\n')}`;
}
