import { runPackage } from './packages/run-package.ts';

process.exitCode = await runPackage('vitest', 'vitest', ['run', ...process.argv.slice(2)]);
