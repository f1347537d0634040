import { defineConfig } from 'vitest/config';

/** What needs packages that `npm ci` leaves out: `npm run test:packages`. */
export default defineConfig({
  test: {
    include: ['test/packages/**/*.test.ts'],
    testTimeout: 120_000,
  },
});
