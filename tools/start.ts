import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildApp } from './build.ts';
import { startLocalHost } from './local-host/local-host.ts';
import { readLocalSettings, startLocalServices } from './local-services/local-services.ts';
import { untilStopped } from './local-services/until-stopped.ts';

const HELP = `npm start [-- --port <port>] [-- --data <folder>]

Serves the router on this machine, with all that it needs: Azure Storage's emulator and two
simulated deployments. Settings come from the environment and from local.settings.json; a real
endpoint named there is used instead of the simulated one.

  --port <port>    default: PORT, else 7071; 0 takes a free one
  --data <folder>  keeps the tables there; default: in memory`;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  await start(readPort(values.port ?? process.env['PORT'] ?? '7071'), values.data);
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  console.error(`--port must be a whole number from 0 to 65535, got "${text}".`);
  process.exit(2);
}

async function start(port: number, dataFolder: string | undefined): Promise<void> {
  const localSettings = await readLocalSettings(`${root}/local.settings.json`);
  const given = { ...localSettings, ...process.env };
  const [services] = await Promise.all([startLocalServices(given, dataFolder), buildApp()]);
  try {
    const host = await startLocalHost({ appFolder: root, port, env: services.settings });
    printWelcome(host.url, services.simulatorUrl);
    await untilStopped();
    await host.close();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
  await services.close();
}

function printWelcome(url: string, simulatorUrl: string | undefined): void {
  const deployments = simulatorUrl === undefined ? 'yours' : `simulated at ${simulatorUrl}`;
  const chat = `${url}/llm/openai/deployments/smart-router/chat/completions`;
  console.log(`
Smart Router is at ${url}  (deployments: ${deployments}; Ctrl+C stops it)

Try:
  curl ${url}/health
  curl -i ${chat} -H 'content-type: application/json' -d '{"prompt":"Hi, how are you today?"}'
  curl -N ${chat} -H 'content-type: application/json' -d '{"prompt":"Prove that the square root of 2 is irrational.","stream":true}'
`);
}
