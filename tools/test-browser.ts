import { runPackage } from './packages/run-package.ts';

const config = ['run', '--config', 'vitest.browser.config.ts'];
process.exitCode = await runPackage('vitest', 'vitest', [...config, ...process.argv.slice(2)]);
