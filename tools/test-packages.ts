import { runTool } from './command-line/run-tool.ts';
import { installPackages } from './packages/install-packages.ts';
import { runPackage } from './packages/run-package.ts';

const HELP = `npm run test:packages [-- <file>]

Runs the tests that need the packages that npm ci leaves out: the OpenAPI linter and the charts of reports.`;

await runTool({
  help: HELP,
  options: {},
  allowPositionals: true,
  run: async ({ positionals }) => {
    await installPackages();
    const options = ['run', '--config', 'vitest.packages.config.ts', ...positionals];
    process.exitCode = await runPackage('vitest', 'vitest', options);
  },
});
