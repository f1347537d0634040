import { runTool } from './command-line/run-tool.ts';
import { checkOpenApi } from './openapi.ts';
import { installPackages } from './packages/install-packages.ts';
import { runPackage } from './packages/run-package.ts';

const HELP = `npm run check

Checks format and style, types, dead code and the OpenAPI document. All checks run, even after a failure.`;

await runTool({ help: HELP, options: {}, run: check });

async function check(): Promise<void> {
  await installPackages();
  const codes = [
    await runPackage('@biomejs/biome', 'biome', ['ci', '.']),
    await runPackage('typescript', 'tsc', ['--noEmit']),
    await runPackage('typescript', 'tsc', ['--noEmit', '--project', 'dashboard']),
    await runPackage('knip', 'knip', []),
  ];
  const problems = await checkOpenApi();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0 || codes.some((code) => code !== 0)) process.exitCode = 1;
}
