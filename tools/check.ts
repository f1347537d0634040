import { checkOpenApi } from './openapi.ts';
import { runPackage } from './packages/run-package.ts';

/** Format and lint, types, dead code, the OpenAPI document: all of them, also when one fails. */
const codes = [
  await runPackage('@biomejs/biome', 'biome', ['ci', '.']),
  await runPackage('typescript', 'tsc', ['--noEmit']),
  await runPackage('typescript', 'tsc', ['--noEmit', '--project', 'dashboard']),
  await runPackage('knip', 'knip', []),
];
const problems = await checkOpenApi();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 || codes.some((code) => code !== 0) ? 1 : 0;
