import type { Pattern } from '../catalogue/pattern.ts';
import type { Recommendation } from '../tools/recommend-pattern.ts';
import { HAZARDS } from '../vocabulary/hazards.ts';
import { SIGNALS } from '../vocabulary/signals.ts';
import type { Style } from './style.ts';
import { bullets, wrap } from './table.ts';

/** The answer of `recommend-pattern` as text. */
export function renderRecommendation(answer: Recommendation, style: Style): string {
  if (answer.document !== undefined) return [answer.document, ...(answer.sections.notes ?? [])].join('\n\n');
  const parts: string[] = [];
  const list = (title: string, items: readonly string[] | undefined) => {
    if (items !== undefined) parts.push(`${style.heading(title)}\n${bullets(items)}`);
  };
  parts.push((answer.verdict === 'none' ? style.good : style.heading)(wrap(answer.summary)));
  list(answer.verdict === 'none' ? 'Hazards that are covered' : 'Hazards to rule out first', answer.sections.hazards);
  answer.patterns?.forEach((pattern, i) => {
    const [summary, ...reasons] = pattern.why;
    const lines = [style.heading(`${i + 1}. ${pattern.name} (${pattern.id})`)];
    if (summary !== undefined) lines.push(`   ${wrap(summary, 110, '   ')}`);
    const group = (mark: string, items: readonly string[] | undefined, colour: (text: string) => string) => {
      for (const item of items ?? []) lines.push(`   ${colour(mark)} ${wrap(item, 104, '     ')}`);
    };
    group('+', reasons, style.good);
    group('-', pattern.whyNot, style.bad);
    group('costs:', pattern.tradeoffs, style.warn);
    group('watch:', pattern.controls, style.dim);
    parts.push(lines.join('\n'));
  });
  list('Questions that would change this', answer.sections.questions);
  if (answer.sections.read !== undefined)
    parts.push(wrap(`${style.dim('Taken as known:')} ${answer.sections.read.join(', ')}`));
  list('Notes', answer.sections.notes);
  return parts.join('\n\n');
}

/** A pattern as one markdown document: what its frontmatter says, then its body. */
export function patternDocument(pattern: Pattern): string {
  const facts = (ids: Pattern['fits']) => ids.map((id) => `${id} (${SIGNALS[id]})`);
  const section = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`## ${title}\n${items.map((item) => `- ${item}`).join('\n')}`];
  return [
    `# ${pattern.name} (${pattern.id})`,
    `${pattern.group}. ${pattern.summary}`,
    `Removes: ${pattern.removes.map((id) => `${HAZARDS[id].name} (${id})`).join(', ')}. Related: ${pattern.related.join(', ')}.`,
    ...section('Signs', pattern.signals),
    ...section('Speaks for it', facts(pattern.fits)),
    ...section('Speaks against it', [...facts(pattern.unless), ...pattern.notWhen]),
    ...section('Trade-offs', pattern.tradeoffs),
    ...section('Failure modes', pattern.failureModes),
    ...section(
      'Controls',
      pattern.controls.map(({ watch, threshold }) => (threshold === undefined ? watch : `${watch}: ${threshold}`)),
    ),
    ...section('Questions', pattern.questions),
    `Keywords: ${pattern.keywords.join(', ')}`,
    pattern.body,
    ...section(
      'References',
      pattern.sources.map(({ title, url }) => (url === undefined ? title : `${title}: ${url}`)),
    ),
  ].join('\n\n');
}
