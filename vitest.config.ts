import { defineConfig } from 'vitest/config';

const minute = 60_000;

/**
 * Levels run one after the other, each with a file a core: what starts servers is not slowed by what only computes. The times are
 * for what hangs; a machine that does ten things besides must meet them.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          expect: { poll: { timeout: minute } },
          include: ['{shared,hub,spoke-agent,cli,scripts,loadtest}/**/*.test.ts', 'test/support/**/*.test.ts'],
          testTimeout: 2 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 2 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 5 * minute,
          hookTimeout: 5 * minute,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/chaos/**/*.test.ts'],
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
