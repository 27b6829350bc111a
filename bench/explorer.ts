// Distinct situations a second of the explorer against a bare search over numbers, both on requests that read a
// store's value, add one and write it back. Run: npx tsx bench/explorer.ts [requests]
import { engineOf } from '../src/catalogue/engine.ts';
import { loadCatalogue } from '../src/catalogue/load.ts';
import { parseDesign } from '../src/design/design.ts';
import { VectorSet } from '../src/explorer/interner.ts';
import { compileDesign } from '../src/explorer/program.ts';
import { Search } from '../src/explorer/search.ts';

const requests = Number(process.argv[2] ?? 4);
const STATES = 2_000_000;
const steps = ["v := kv.read(key: 'x')", 'w = v + 1', "kv.write(key: 'x', to: w)"];

/** The same requests as numbers: value, then step and register of each, then who moved last. */
function bare(): { states: number; milliseconds: number } {
  const width = 2 * requests + 2;
  const seen = new VectorSet(width);
  const vector = new Int32Array(width);
  vector[width - 1] = -1;
  seen.add(vector);
  const began = performance.now();
  let at = 0;
  for (; at < seen.size && at < STATES; at++) {
    for (let request = 0; request < requests; request++) {
      seen.read(at, vector);
      const [step, register] = [1 + 2 * request, 2 + 2 * request];
      const done = vector[step] as number;
      if (done === 4) continue;
      if (done % 2 === 0) vector[register] = vector[0] as number;
      else vector[0] = (vector[register] as number) + 1;
      vector[step] = done + 1;
      vector[width - 1] = request;
      seen.add(vector);
    }
  }
  return { states: at, milliseconds: performance.now() - began };
}

async function explorer(): Promise<{ states: number; milliseconds: number }> {
  const design = parseDesign({
    components: [{ name: 'kv', kind: 'store', values: { x: 0 } }],
    operations: Array.from({ length: requests }, (_, i) => ({
      name: `add${i}`,
      steps: [...steps, ...steps],
      runs: [{}],
    })),
    properties: [{ invariant: 'kv.x >= 0' }],
    faults: 0,
  });
  const program = await compileDesign(design, engineOf(loadCatalogue().databases, design.engine, {}));
  const search = new Search(program);
  const began = performance.now();
  const { states } = await search.run({ states: STATES, milliseconds: 120_000, faults: 0 }, () => {});
  return { states, milliseconds: performance.now() - began };
}

const rate = ({ states, milliseconds }: { states: number; milliseconds: number }) => (states / milliseconds) * 1000;
bare();
const [plain, ours] = [bare(), await explorer()];
console.log(`bare search: ${plain.states} states, ${Math.round(rate(plain))} a second`);
console.log(`explorer:    ${ours.states} states, ${Math.round(rate(ours))} a second`);
console.log(`ratio:       ${(rate(ours) / rate(plain)).toFixed(2)}`);
