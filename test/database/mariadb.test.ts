import { afterAll, describe, expect, it } from 'vitest';
import { openMariadb } from '../support/mariadb.ts';
import { tryOpen } from '../support/server.ts';
import { compareMariadb } from './mariadb-fuzz.ts';

const { server, reason } = await tryOpen(() => openMariadb(3));

describe.skipIf(!server)(`schedules on the interpreter and on ${reason}`, () => {
  afterAll(() => server?.close());

  it('the result of each of 200 random schedules is one that the interpreter reaches', {
    timeout: 120_000,
  }, async () => {
    const { compared, disagreements } = await compareMariadb(server as NonNullable<typeof server>, 1, 200, {
      milliseconds: 25_000,
    });
    expect(disagreements.map(({ seed, text }) => `seed ${seed}: ${text}`)).toEqual([]);
    expect(compared).toBeGreaterThan(50);
  });
});
