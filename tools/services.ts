import { runTool } from './command-line/run-tool.ts';
import { startLocalServices } from './local-services/local-services.ts';
import { untilStopped } from './local-services/until-stopped.ts';

const HELP = `npm run services

Starts only Azure Storage's emulator and the simulated deployments, for a plain \`func start\`: the
sample settings expect them at their usual ports.`;

await runTool({
  help: HELP,
  options: {},
  run: async () => {
    const services = await startLocalServices({});
    console.log(`Simulated deployments: ${services.simulatorUrl ?? 'none'}
Tables and blobs: ${services.settings['TABLES_CONNECTION_STRING'] ?? 'none'}
Ctrl+C stops both.`);
    await untilStopped();
    await services.close();
  },
});
