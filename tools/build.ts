import { buildApp } from './bundle/build-app.ts';
import { runTool } from './command-line/run-tool.ts';

const help = 'npm run build\n\nBundles the function app into dist/functions.';
await runTool({ help, options: {}, run: buildApp });
