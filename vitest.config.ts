import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Several tests start servers or measure; more workers than cores would make them wait for each other.
    maxWorkers: 2,
  },
});
