import { runPackage } from './packages/run-package.ts';

/** Format and lint, types, dead code: all of them, also when one fails. */
const codes = [
  await runPackage('@biomejs/biome', 'biome', ['ci', '.']),
  await runPackage('typescript', 'tsc', ['--noEmit']),
  await runPackage('knip', 'knip', []),
];
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
