import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Laboratory } from '../../src/laboratory/engine.ts';
import { embeddedPostgresql } from '../../src/laboratory/engines/postgresql.ts';
import { judge } from '../../src/laboratory/judge.ts';
import { Runner } from '../../src/laboratory/run.ts';
import type { LaboratorySchedule } from '../../src/laboratory/schedule.ts';

/** A schedule that occurs if it gets to its last step. */
const schedule = (steps: string[], more: Partial<LaboratorySchedule> = {}): LaboratorySchedule => ({
  id: 'test',
  phenomenon: 'P4',
  steps,
  decisive: 'T1.1',
  anomaly: '',
  judge: () => true,
  from: 'own',
  ...more,
});

describe('a run on PostgreSQL', () => {
  let laboratory: Laboratory;
  let runner: Runner;
  beforeAll(async () => {
    laboratory = await embeddedPostgresql.open({ deadlockTimeout: 50 });
    runner = new Runner(laboratory);
  });
  afterAll(() => laboratory?.close());

  test('sees a step wait, queues what follows in its session and notes the release', async () => {
    const run = await runner.run(
      schedule([
        'T1: UPDATE test SET value = 11 WHERE id = 1',
        'T2: UPDATE test SET value = 12 WHERE id = 1',
        'T2: SELECT value FROM test WHERE id = 1',
        'T1: SELECT value FROM test WHERE id = 2',
        'T1: COMMIT',
        'T2: COMMIT',
      ]),
      'read-committed',
    );
    expect(run.transcript).toEqual([
      'T1: UPDATE test SET value = 11 WHERE id = 1 -> 1 row',
      'T2: UPDATE test SET value = 12 WHERE id = 1 -> waits',
      'T1: SELECT value FROM test WHERE id = 2 -> (20)',
      'T1: COMMIT -> done',
      'T2: UPDATE test SET value = 12 WHERE id = 1 -> after waiting: 1 row',
      'T2: SELECT value FROM test WHERE id = 1 -> (12)',
      'T2: COMMIT -> done',
    ]);
    expect(run.steps.filter((step) => step.waited).map((step) => step.label)).toEqual(['T2.1']);
    expect(run.final).toEqual([
      [1, 12],
      [2, 20],
    ]);
  });

  test('sees a slow step not as a waiting one', async () => {
    const run = await runner.run(
      schedule(['T1: SELECT 1 FROM pg_sleep(0.2)', 'T2: SELECT 2', 'T1: COMMIT', 'T2: COMMIT']),
      'read-committed',
    );
    expect(run.steps.some((step) => step.waited)).toBe(false);
    expect(run.transcript[0]).toContain('T1: SELECT 1');
  });

  test('sees waits for table locks and for advisory locks', async () => {
    for (const lock of ['LOCK TABLE test', 'SELECT count(pg_advisory_xact_lock(7))']) {
      const run = await runner.run(
        schedule([`T1: ${lock}`, `T2: ${lock}`, 'T1: COMMIT', 'T2: COMMIT']),
        'read-committed',
      );
      expect(
        run.steps.filter((step) => step.waited).map((step) => step.label),
        lock,
      ).toEqual(['T2.1']);
    }
  });

  test('records a deadlock with its code, and its victim runs nothing more', async () => {
    const deadlock = schedule(
      [
        'T1: UPDATE test SET value = 11 WHERE id = 1',
        'T2: UPDATE test SET value = 22 WHERE id = 2',
        'T1: UPDATE test SET value = 12 WHERE id = 2',
        'T2: UPDATE test SET value = 21 WHERE id = 1',
        'T1: COMMIT',
        'T2: COMMIT',
      ],
      { judge: ({ committed }) => committed('T1', 'T2') },
    );
    const run = await runner.run(deadlock, 'read-committed');
    const outcome = judge(deadlock, run, laboratory.conflict);
    expect(outcome).toEqual({ outcome: 'prevented', how: ['wait', 'deadlock'], codes: ['40P01'] });
    const victim = [...run.ends].find(([, end]) => end === 'aborted')?.[0];
    expect([...run.ends.values()].sort()).toEqual(['aborted', 'committed']);
    expect(run.steps.find((step) => step.session === victim && step.sql === 'COMMIT')?.sent).toBe(false);
  });

  test('records an abort with its code, and nothing of the transaction stays', async () => {
    const run = await runner.run(
      schedule([
        'T2: SELECT * FROM test',
        'T2: INSERT INTO test VALUES (3, 30)',
        'T1: UPDATE test SET value = 11 WHERE id = 1',
        'T1: COMMIT',
        'T2: UPDATE test SET value = 12 WHERE id = 1',
        'T2: INSERT INTO test VALUES (4, 40)',
        'T2: COMMIT',
      ]),
      'repeatable-read',
    );
    expect(run.steps[4]?.reply).toMatchObject({ kind: 'failure', code: '40001' });
    expect(run.steps.slice(5).map((step) => step.sent)).toEqual([false, false]);
    expect(run.final).toEqual([
      [1, 11],
      [2, 20],
    ]);
  });

  test('takes a COMMIT that rolls back for what it is', async () => {
    const session = await laboratory.session();
    await session.begin({ level: 'read-committed' });
    await session.run('SELECT 1 / 0');
    expect(await session.run('COMMIT')).toMatchObject({ kind: 'answer', rolledBack: true });
  });

  test('calls nothing prevented that was not reached', async () => {
    const cases: [LaboratorySchedule, string, RegExp][] = [
      [schedule(['T1: SELECT * FROM nothing', 'T1: COMMIT']), 'serializable', /T1\.1 failed with 42P01/],
      [schedule(['T1: SELECT 1', 'T1: COMMIT']), 'chaos', /cannot begin: 42601/],
      [schedule(['T1: SELECT 1'], { setup: ['CREATE TABLE'] }), 'serializable', /setup: 42601/],
      [schedule(['T1: COMMIT'], { decisive: 'T1.9' }), 'serializable', /no step T1\.9/],
    ];
    for (const [wrong, level, note] of cases) {
      const outcome = judge({ ...wrong, judge: () => false }, await runner.run(wrong, level), laboratory.conflict);
      expect(outcome.outcome).toBe('error');
      expect(outcome.note).toMatch(note);
    }
  });

  test('leaves nothing open when a schedule forgets to commit', async () => {
    await runner.run(schedule(['T1: UPDATE test SET value = 11']), 'read-committed');
    const run = await runner.run(schedule(['T1: UPDATE test SET value = 12', 'T1: COMMIT']), 'read-committed');
    expect(run.steps.some((step) => step.waited)).toBe(false);
  });

  test('ends at once when it is cancelled, and the laboratory can be used again', async () => {
    const stop = new AbortController();
    const steps = ['T1: UPDATE test SET value = 1', 'T2: UPDATE test SET value = 2', 'T1: SELECT pg_sleep(5)'];
    const running = runner.run(schedule(steps), 'read-committed', stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 150);
    const start = performance.now();
    await expect(running).rejects.toThrow('enough');
    expect(performance.now() - start).toBeLessThan(2_000);
    const run = await runner.run(schedule(['T1: UPDATE test SET value = 3', 'T1: COMMIT']), 'read-committed');
    expect(run.final.map(([, value]) => value)).toEqual([3, 3]);
  });
});
