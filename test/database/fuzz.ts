/**
 * Compares the interpreter with a real server on many random schedules.
 *
 *     npx tsx test/database/fuzz.ts --count 5000 --seed 1 [--show 5] [--server mariadb]
 */
import { parseArgs } from 'node:util';
import { openMariadb } from '../support/mariadb.ts';
import { openPostgres } from '../support/postgres.ts';
import { compareMariadb } from './mariadb-fuzz.ts';
import { comparePostgres, type Disagreement } from './postgres-fuzz.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '5' },
    server: { type: 'string', default: 'postgresql' },
  },
});

function print(found: Disagreement): void {
  console.log(`\nseed ${found.seed}, ${found.playground}, ${found.level}: ${found.text}`);
  for (const [i, turn] of found.turns.entries()) {
    console.log(`  ${i} [${turn.session}] ${found.schedule.sessions[turn.session]?.[turn.statement]}`);
    for (const { session, answer } of turn.done) {
      console.log(
        `       ${session} -> ${'error' in answer ? `${answer.error} ${answer.message}` : `${answer.count} ${JSON.stringify(answer.rows)}`}`,
      );
    }
    if (turn.waiting.length > 0) console.log(`       waiting: ${turn.waiting.join(', ')}`);
  }
}

let shown = 0;
const report = (found: Disagreement) => {
  if (shown++ < Number(values.show)) print(found);
};
const started = performance.now();
const [seed, count] = [Number(values.seed), Number(values.count)];
const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;

function summary(found: readonly Disagreement[]): void {
  const kinds: Record<string, number> = {};
  for (const { level, playground } of found) {
    kinds[`${playground}, ${level}`] = (kinds[`${playground}, ${level}`] ?? 0) + 1;
  }
  console.log(kinds);
  console.log(
    `differing seeds: ${found
      .slice(0, 40)
      .map((one) => one.seed)
      .join(' ')}`,
  );
}

if (values.server === 'mariadb') {
  const server = await openMariadb(3);
  const { compared, alike, disagreements, courses } = await compareMariadb(server, seed, count, { report });
  console.log(
    `\n${server.version}: ${compared} schedules, ${alike} alike step by step, ${compared - disagreements.length} with a result that the interpreter reaches, ${seconds()}`,
  );
  summary(courses);
  summary(disagreements);
  await server.close();
} else {
  const server = await openPostgres(3);
  const { compared, disagreements } = await comparePostgres(server, seed, count, { report });
  console.log(`\n${server.version}: ${compared} schedules, ${compared - disagreements.length} agree, ${seconds()}`);
  summary(disagreements);
  await server.close();
}
