import type { IsolationAnswer } from '../tools/explain-isolation-level.ts';
import type { Style } from './style.ts';
import { bullets, table, wrap } from './table.ts';

/** The answer of `explain-isolation-level` as text. */
export function renderIsolationLevel(answer: IsolationAnswer, style: Style): string {
  const parts: string[] = [];
  const section = (title: string, body: string | undefined) => {
    if (body !== undefined && body !== '') parts.push(`${style.heading(title)}\n${body}`);
  };
  const list = (title: string, items: readonly string[] | undefined) => section(title, items && bullets(items));
  const [first, second] = answer.levels;
  const one = answer.phenomena !== undefined;
  if (one && first !== undefined) {
    for (const side of [first, second]) {
      if (side === undefined) continue;
      parts.push(
        [
          style.heading(`${side.database}, ${side.level}`),
          wrap(`Really: ${side.model ?? 'unknown'}`),
          ...(side.more === undefined ? [] : [wrap(side.more)]),
        ].join('\n'),
      );
    }
    parts.push(wrap(answer.summary));
  } else {
    parts.push(wrap(answer.summary));
    parts.push(levels(answer, style));
  }
  const { sections } = answer;
  list('Assumed', sections.assumed);
  section('Phenomena', phenomena(answer, style));
  list('Conflicts', sections.conflicts);
  list('The application must', sections.application);
  section('Script', sections.script?.join('\n'));
  list('Remedies', sections.remedies);
  list('Traps', sections.traps);
  list('Deployment', sections.deployment);
  list('Jepsen', sections.jepsen);
  list('Evidence', sections.evidence);
  if (sections.next !== undefined) parts.push(sections.next.map((text) => style.dim(text)).join('\n'));
  return parts.join('\n\n');
}

function levels(answer: IsolationAnswer, style: Style): string {
  const single = new Set(answer.levels.map((level) => level.database)).size === 1;
  if (!single)
    return answer.levels
      .map(({ database, level, model }) =>
        wrap(`${style.heading(database)}: ${[level, model].filter(Boolean).join(': ')}`.replace(/: $/, ''), 110, '  '),
      )
      .join('\n');
  return answer.levels
    .map(
      ({ level, model, more }) =>
        `${style.heading(level)}: ${wrap([model, more].filter(Boolean).join('; '), 100, '  ')}`,
    )
    .join('\n');
}

type Row = NonNullable<IsolationAnswer['phenomena']>[number];
const refs = ({ evidence }: Row) => (evidence === undefined ? '' : `[${evidence.join(', ')}]`);

function phenomena(answer: IsolationAnswer, style: Style): string {
  if (answer.phenomena === undefined) return '';
  const colour = (line: string, is: string) =>
    is === 'prevented' ? line : is === 'possible' ? style.bad(line) : style.warn(line);
  const compared = answer.phenomena.some((row) => row.other !== undefined);
  const head = compared ? [['', '', 'first', 'second', '']] : [];
  const rows = answer.phenomena.map((row) => [
    row.id,
    row.name,
    row.is,
    ...(compared ? [row.other ?? ''] : []),
    refs(row),
  ]);
  const printed = table([...head, ...rows], '  ', '  ').split('\n');
  return printed
    .flatMap((line, i) => {
      const row = answer.phenomena?.[i - head.length];
      if (row === undefined) return [style.dim(line)];
      const worst = [row.is, row.other].find((is) => is !== undefined && is !== 'prevented') ?? 'prevented';
      const width = line.length - refs(row).length;
      const lines =
        line.length <= 110
          ? [colour(line, worst)]
          : [colour(line.slice(0, width).trimEnd(), worst), `      ${wrap(refs(row), 104, '      ')}`];
      return [...lines, ...(row.note === undefined ? [] : [`      ${wrap(row.note, 104, '      ')}`])];
    })
    .join('\n');
}
