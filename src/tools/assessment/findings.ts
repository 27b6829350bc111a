import type { Catalogue } from '../../catalogue/load.ts';
import type { Pattern } from '../../catalogue/pattern.ts';
import type { Counterexample } from '../../explorer/explore.ts';
import type { Program } from '../../explorer/program.ts';
import { sequenceDiagram } from '../../render/mermaid.ts';
import type { Finding } from '../../render/review.ts';
import type { Certified } from '../../repairs/certify.ts';
import { HAZARDS } from '../../vocabulary/hazards.ts';
import type { Phenomenon } from '../../vocabulary/phenomena.ts';

/**
 * Counterexamples as findings, worst first.
 *
 * @param detail `concise` gives three findings and the timeline of the first.
 */
export function describeFindings(
  broken: readonly Counterexample[],
  tried: readonly Certified[],
  program: Program,
  catalogue: Catalogue,
  detail: string,
): Finding[] {
  const full = detail !== 'concise';
  return sameExecution(broken)
    .slice(0, full ? undefined : 3)
    .map((group, i) => ({
      hazard: HAZARDS[group.hazard].name,
      severity: group.severity,
      property: group.properties.join('; '),
      says: group.says,
      timeline: i === 0 || full ? timeline(group, program) : [],
      evidence: evidence(group, program, catalogue),
      patterns: patternsFor(group, tried, catalogue),
      ...(detail === 'mermaid' && { diagram: sequenceDiagram(timeline(group, program)) }),
    }));
}

interface Group extends Counterexample {
  readonly properties: readonly string[];
}

/** Properties that break in the same execution are one finding. */
function sameExecution(broken: readonly Counterexample[]): Group[] {
  const groups = new Map<string, Group>();
  for (const one of broken) {
    const key = `${one.hazard} ${one.path.map(({ label }) => `${label.process} ${label.text}`).join('\n')}`;
    const known = groups.get(key);
    groups.set(
      key,
      known
        ? { ...known, properties: [...known.properties, one.check.name] }
        : { ...one, properties: [one.check.name] },
    );
  }
  return [...groups.values()];
}

function timeline(found: Counterexample, program: Program): Finding['timeline'] {
  return found.path.map(({ label, fault }) => ({
    by: program.processes[label.process]?.name ?? 'by itself',
    step: label.text.replace(/\s+/g, ' '),
    result: label.effect,
    ...(fault && { fault }),
  }));
}

const PHENOMENON: Readonly<Partial<Record<Counterexample['hazard'], Phenomenon>>> = {
  'lost-update': 'P4',
  'write-skew': 'G2-item',
  phantom: 'G2',
  'read-skew': 'G-single',
  'dirty-read': 'G1a',
};

/** What `databases/` says of the phenomenon at the levels in use. */
function evidence(found: Counterexample, program: Program, catalogue: Catalogue): string[] {
  const phenomenon = PHENOMENON[found.hazard];
  const database = [...catalogue.databases.values()].find((candidate) =>
    program.engine.name.startsWith(candidate.name),
  );
  if (!phenomenon || !database) return [];
  const levels = new Set(found.path.map(({ label }) => program.processes[label.process]?.level.name));
  return database.levels
    .filter((level, i, all) => levels.has(level.name) && all.findIndex((other) => other.name === level.name) === i)
    .flatMap((level) => {
      const cell = level.phenomena[phenomenon];
      const sources = cell.evidence
        .map((id) => database.evidence[id])
        .map((source) => `${source?.grade}${source?.version ? ` ${source.version.split(/[;,]/)[0]}` : ''}`);
      return cell.is === 'unknown'
        ? []
        : [`${database.name} ${level.name}: ${phenomenon} ${cell.is} (${sources.join(', ')})`];
    });
}

function patternsFor(found: Counterexample, tried: readonly Certified[], catalogue: Catalogue): string[] {
  const repairing = tried.filter((result) => result.holds).flatMap((result) => result.repair.patterns);
  // The hazard that a pattern names first is the one it is about.
  const rank = (pattern: Pattern) => pattern.removes.indexOf(found.hazard) * 10 + pattern.removes.length;
  const removing = [...catalogue.patterns.values()]
    .filter((pattern) => pattern.removes.includes(found.hazard))
    .sort((x, y) => rank(x) - rank(y))
    .map((pattern) => pattern.id);
  return [...new Set([...repairing, ...removing])].filter((id) => catalogue.patterns.has(id)).slice(0, 3);
}
