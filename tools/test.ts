import { runPackage } from './packages/run-package.ts';

/** The tests that a run without file names leaves to .ci/run: `npm test -- .slow.` runs them. */
const SLOW = 'test/**/*.slow.test.ts';

const given = process.argv.slice(2);
const namesFiles = given.some((argument) => /^[^-].*[./]/.test(argument));
const left = namesFiles ? [] : ['--exclude', SLOW];
process.exitCode = await runPackage('vitest', 'vitest', ['run', ...left, ...given]);
