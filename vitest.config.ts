import { defineConfig } from 'vitest/config';

/** No test fails by time alone on a busy machine: these only end what would wait for ever. */
const PATIENCE_MS = 300_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/{browser,packages}/**'],
    globalSetup: ['test/global-setup.ts'],
    restoreMocks: true,
    // Files have no modules that they change: they share what one has loaded.
    isolate: false,
    maxWorkers: '100%',
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS / 3, interval: 20 } },
  },
});
