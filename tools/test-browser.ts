import { runTool } from './command-line/run-tool.ts';
import { installPackages } from './packages/install-packages.ts';
import { runPackage } from './packages/run-package.ts';

const HELP = `npm run test:browser [-- <file>]

Tests the dashboard in this machine's Chromium.`;

await runTool({
  help: HELP,
  options: {},
  allowPositionals: true,
  run: async ({ positionals }) => {
    await installPackages();
    const options = ['run', '--config', 'vitest.browser.config.ts', ...positionals];
    process.exitCode = await runPackage('vitest', 'vitest', options);
  },
});
