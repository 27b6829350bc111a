// npm run evidence: runs every schedule on every engine at hand and writes databases/evidence/.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { candidates, withLaboratory } from './at-hand.ts';
import { collectEvidence } from './evidence.ts';
import { readEvidence, writeEvidence, writeOverview } from './evidence-files.ts';
import { LABORATORY_SCHEDULES } from './schedules/index.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../databases/evidence');
const date = new Date().toISOString().slice(0, 10);
const start = performance.now();
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped')));
const only = process.argv.slice(2);

for (const candidate of candidates()) {
  if (only.length > 0 && !only.some((word) => candidate.name.includes(word))) continue;
  const began = performance.now();
  const outcome = await withLaboratory(candidate, (laboratory) =>
    collectEvidence(laboratory, LABORATORY_SCHEDULES, date, stop.signal),
  );
  if ('absent' in outcome) {
    console.log(`${candidate.name}: skipped, ${outcome.absent}`);
    continue;
  }
  const { cells, product, version, id } = outcome.result;
  const count = (kind: string) => cells.filter((cell) => cell.outcome === kind).length;
  writeEvidence(folder, outcome.result);
  console.log(
    `${product} ${version} (${id}.json): ${cells.length} runs in ${seconds(began)}: ${count('occurred')} occurred, ${count('prevented')} prevented, ${count('error')} errors`,
  );
  for (const cell of cells) if (cell.note) console.log(`  ${cell.schedule} at ${cell.level}: ${cell.note}`);
}
writeOverview(folder, readEvidence(folder));
console.log(`${folder}: done in ${seconds(start)}`);
