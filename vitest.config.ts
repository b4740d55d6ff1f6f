import { defineConfig } from 'vitest/config';

/** Tests that run the built command as processes of their own: built once for all of them, and only when one of them runs. */
const PROCESSES = 'test/e2e/**/*.test.ts';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'here',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', PROCESSES],
          globalSetup: ['test/ops/page-bundle.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: [PROCESSES],
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 90_000,
          // After the others, and with the machine to themselves: each of them is several processes.
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
        },
      },
    ],
  },
});
