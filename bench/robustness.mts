/**
 * Compares the test for split schedules with every schedule of random small workloads, and measures designs.
 *
 *   npx tsx bench/robustness.mts [seconds per kind of workload]
 */

import { engineOf } from '../src/catalogue/engine.ts';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { parseDesign } from '../src/design/design.ts';
import { Robustness } from '../src/robustness/concrete.ts';
import { robustness } from '../src/robustness/index.ts';
import { Judge } from '../test/robustness/exhaustive.ts';
import { service } from '../test/robustness/service.ts';
import { randomWorkload, SHAPES } from '../test/robustness/workloads.ts';
import { Random } from '../test/support/random.ts';

const seconds = Number(process.argv[2] ?? 5);

for (const [name, shape] of Object.entries(SHAPES)) {
  const random = new Random(20261122);
  const end = Date.now() + seconds * 1000;
  const count = { workloads: 0, notRobust: 0, unsound: 0, tooStrict: 0, badWitness: 0 };
  while (Date.now() < end) {
    const { transactions, levels } = randomWorkload(shape, (n) => random.int(0, n - 1));
    const tested = new Robustness(transactions);
    const judge = new Judge(transactions, levels);
    const [claimed, real] = [tested.robust(levels), judge.robust()];
    count.workloads++;
    if (!real) count.notRobust++;
    if (claimed && !real) count.unsound++;
    if (!claimed && real) count.tooStrict++;
    const witness = tested.witness(levels);
    if ((witness === undefined) !== claimed || (witness && !new Judge(transactions, levels).confirms(witness))) {
      count.badWitness++;
    }
  }
  console.log(name.padEnd(16), JSON.stringify(count));
}

const { databases } = loadCatalogue();
for (const operations of [1, 5, 10, 20]) {
  const design = parseDesign(service(operations));
  const start = performance.now();
  const report = await robustness(design, engineOf(databases, design.engine, {}), 60_000);
  const took = Math.round(performance.now() - start);
  console.log(
    `${operations} operations: ${took} ms`,
    JSON.stringify({ robust: report.robust, notes: report.notes.slice(1), promotion: report.promotion?.step }),
  );
}
