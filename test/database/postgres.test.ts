import { afterAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../support/postgres.ts';
import { tryOpen } from '../support/server.ts';
import { comparePostgres } from './postgres-fuzz.ts';

const { server, reason } = await tryOpen(() => openPostgres(3));

describe.skipIf(!server)(`schedules on the interpreter and on ${reason}`, () => {
  afterAll(() => server?.close());

  it('300 random schedules take the same course', { timeout: 120_000 }, async () => {
    const { compared, disagreements } = await comparePostgres(server as NonNullable<typeof server>, 1, 300, {
      milliseconds: 25_000,
    });
    expect(disagreements.map(({ seed, text }) => `seed ${seed}: ${text}`)).toEqual([]);
    expect(compared).toBeGreaterThan(50);
  });
});
