import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PHENOMENON_IDS } from '../vocabulary/phenomena.ts';
import { describeOutcome, type Evidence, summarise } from './evidence.ts';

/** Writes one engine's evidence as ID.json, one line a cell. */
export function writeEvidence(folder: string, evidence: Evidence): void {
  const { cells, transcripts, ...head } = evidence;
  const lines = (values: readonly unknown[]) => values.map((value) => `    ${JSON.stringify(value)}`).join(',\n');
  const text = `${JSON.stringify(head, null, 2).replace(/\n}$/, ',')}
  "cells": [
${lines(cells)}
  ],
  "transcripts": [
${lines(transcripts)}
  ]
}
`;
  writeFileSync(join(folder, `${evidence.id}.json`), text);
}

/** All evidence of a folder, by file name. */
export function readEvidence(folder: string): Evidence[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Evidence);
}

/** Writes README.md: what each engine showed at each level. */
export function writeOverview(folder: string, all: readonly Evidence[]): void {
  const rows = all.flatMap((evidence) =>
    evidence.levels.map((level) => {
      const cells = PHENOMENON_IDS.map((phenomenon) => {
        const summary = summarise(evidence, level.id, phenomenon);
        return summary ? { prevented: 'no', possible: 'yes', depends: 'some', unknown: '?' }[summary.is] : '';
      });
      return `| ${nameOf(evidence)} | ${level.name} | ${cells.join(' | ')} |`;
    }),
  );
  const remedies = all.flatMap((evidence) =>
    [...new Set(evidence.cells.filter((cell) => cell.kind !== 'phenomenon').map((cell) => cell.schedule))].map((id) => {
      const cells = evidence.cells.filter((cell) => cell.schedule === id);
      const shown = cells.map((cell) => `${cell.level}: ${describeOutcome(cell)}`);
      return `| ${nameOf(evidence)} | ${id} | ${shown.join('; ')} |`;
    }),
  );
  const text = `# Executed evidence

Made by \`npm run evidence\`; do not edit. Each .json file holds what schedules of several sessions showed on one engine
under one set of settings: the outcome, what the sessions met on the way (a wait, an abort, a deadlock, a refused lock, a
duplicate key), the engine's codes, and one transcript for each distinct outcome. The schedules are in
src/vocabulary/schedules.ts and src/laboratory/schedules/; those marked \`hermitage\` follow ept/hermitage by Martin
Kleppmann (CC BY 4.0).

A schedule that showed no anomaly proves nothing about other schedules; "no" below means that none of the forms that were
run showed the phenomenon.

## Does the phenomenon occur?

| Engine | Level | ${PHENOMENON_IDS.join(' | ')} |
|---|---|${PHENOMENON_IDS.map(() => '---|').join('')}
${rows.join('\n')}

yes: in all forms that were run; some: in some of them, named in the file; no: in none.

## Remedies, partners at weaker levels, observations

"Occurred" means that the remedy did not help, that the stronger transaction was not safe, or that what is observed is so.

| Engine | Schedule | By level |
|---|---|---|
${remedies.join('\n')}
`;
  writeFileSync(join(folder, 'README.md'), text);
}

function nameOf({ product, version, settings }: Evidence): string {
  const telling = ['innodb_snapshot_isolation', 'journal_mode', 'begin'].flatMap((name) => {
    const value = settings[name];
    if (value === undefined) return [];
    return [name === 'begin' ? value : `${name}=${value}`];
  });
  return [`${product} ${version}`, ...telling].join(', ');
}
