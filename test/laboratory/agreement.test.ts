import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseCell } from '../../src/catalogue/cells.ts';
import { loadCatalogue, packageFolder } from '../../src/catalogue/load.ts';
import { summarise } from '../../src/laboratory/evidence.ts';
import { readEvidence } from '../../src/laboratory/evidence-files.ts';
import { PHENOMENON_IDS } from '../../src/vocabulary/phenomena.ts';

/** Where databases/ says otherwise than what was executed, with the reason why that is no mistake. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'mariadb-10.11-snapshot-isolation-on: mariadb.md has no level repeatable-read':
    'The cell with innodb_snapshot_isolation=ON is given from 11.6.2, where ON is the default; 10.11 has the setting too.',
};

/** What databases/ says of a cell that was executed, where it contradicts it. */
function contradictions(): string[] {
  const { databases } = loadCatalogue();
  return readEvidence(join(packageFolder(), 'databases/evidence')).flatMap((evidence) => {
    const database = databases.get(evidence.database);
    if (!database) return [`${evidence.id}: there is no file ${evidence.database}.md`];
    const settings = { topology: 'primary', ...evidence.settings };
    return evidence.levels.flatMap((level) => {
      const cells = database.levels.filter((other) => other.id === level.id);
      const cell = chooseCell(cells, { version: evidence.version, settings })?.cell;
      if (!cell) return [`${evidence.id}: ${database.id}.md has no level ${level.id}`];
      return PHENOMENON_IDS.flatMap((phenomenon) => {
        const shown = summarise(evidence, level.id, phenomenon);
        const said = cell.phenomena[phenomenon]?.is;
        if (!shown || said === undefined || said === 'unknown' || said === 'inapplicable') return [];
        const wrong =
          said === 'prevented' ? shown.is !== 'prevented' : said === 'possible' ? shown.is === 'prevented' : false;
        if (!wrong) return [];
        const forms = shown.forms.length > 0 ? ` (${shown.forms.join(', ')})` : '';
        return [`${evidence.id}, ${level.id}, ${phenomenon}: said ${said}, executed ${shown.is}${forms}`];
      });
    });
  });
}

describe('what databases/ says and what was executed', () => {
  test('do not contradict each other', () => {
    expect(contradictions().filter((text) => EXPLAINED[text] === undefined)).toEqual([]);
  });
});
