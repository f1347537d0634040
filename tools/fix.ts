import { runTool } from './command-line/run-tool.ts';
import { installPackages } from './packages/install-packages.ts';
import { runPackage } from './packages/run-package.ts';

const HELP = `npm run fix

Fixes format and style, as far as possible automatically.`;

await runTool({
  help: HELP,
  options: {},
  run: async () => {
    await installPackages();
    process.exitCode = await runPackage('@biomejs/biome', 'biome', ['check', '--write', '.']);
  },
});
