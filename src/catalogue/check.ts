import type { Database } from './database.ts';
import type { Catalogue } from './load.ts';

/**
 * Cross-references that a schema cannot see: related patterns, cited evidence, levels named by scripts and remedies,
 * one default level. Returns one sentence per fault.
 */
export function danglingReferences(catalogue: Catalogue): string[] {
  const faults: string[] = [];
  for (const pattern of catalogue.patterns.values()) {
    for (const related of pattern.related) {
      if (!catalogue.patterns.has(related))
        faults.push(`patterns/${pattern.id}.md: related: there is no pattern "${related}"`);
    }
  }
  for (const database of catalogue.databases.values()) {
    for (const fault of databaseFaults(database)) faults.push(`databases/${database.id}.md: ${fault}`);
  }
  return faults;
}

function databaseFaults(database: Database): string[] {
  const faults: string[] = [];
  const cited = new Set<string>();
  const levels = new Set(database.levels.map((level) => level.id));
  const cite = (where: string, ids: readonly string[]) => {
    for (const id of ids) {
      cited.add(id);
      if (!(id in database.evidence)) faults.push(`${where}: there is no evidence "${id}"`);
    }
  };
  for (const level of database.levels) {
    cite(`${level.id}.model`, level.model.evidence);
    for (const [name, cell] of Object.entries(level.phenomena)) {
      cite(`${level.id}.${name}`, cell.evidence);
      const known = cell.is === 'prevented' || cell.is === 'possible' || cell.is === 'depends';
      if (known && cell.evidence.length === 0) faults.push(`${level.id}.${name}: "${cell.is}" needs evidence`);
      if (!known && cell.note === undefined && cell.is === 'inapplicable')
        faults.push(`${level.id}.${name}: say why it does not apply`);
      if (cell.is === 'depends' && cell.note === undefined) faults.push(`${level.id}.${name}: say what it depends on`);
    }
    for (const conflict of level.conflicts) cite(`${level.id}.conflicts`, conflict.evidence);
  }
  for (const script of database.scripts) cite(`scripts.${script.phenomenon}`, script.evidence);
  for (const remedy of database.remedies) cite(`remedies.${remedy.name}`, remedy.evidence);
  for (const part of [...database.scripts, ...database.remedies]) {
    for (const level of part.levels ?? [])
      if (!levels.has(level)) faults.push(`scripts or remedies: there is no level "${level}"`);
  }
  for (const remark of [...Object.values(database.deployment).flat(), ...database.traps, ...database.jepsen])
    cite('remarks', remark.evidence);
  for (const id of Object.keys(database.evidence)) if (!cited.has(id)) faults.push(`evidence.${id}: nothing cites it`);
  if (!database.levels.some((level) => level.default)) faults.push('levels: none is the default');
  return faults;
}
