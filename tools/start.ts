import { fileURLToPath } from 'node:url';
import { buildApp } from './bundle/build-app.ts';
import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { fillHour, sendRequests } from './demo/demo.ts';
import { startLocalHost } from './local-host/local-host.ts';
import {
  type LocalServices,
  readLocalSettings,
  startLocalServices,
} from './local-services/local-services.ts';
import { pickPort } from './local-services/pick-port.ts';
import { untilStopped } from './local-services/until-stopped.ts';

const HELP = `npm start [-- --port <port>] [-- --data <folder>] [-- --demo]

Runs the router on this machine, with everything that it needs: Azure Storage's emulator and two
simulated deployments. Settings come from the environment and from local.settings.json; a real
endpoint named there is used instead of the simulated one.

  --port <port>    the port, 0 for any free one (default: PORT, else 7071)
  --data <folder>  the folder for the tables (default: in memory)
  --demo           fills the tables with an hour of simulated requests, and sends one every other second,
                   so that the dashboard has figures to show`;

const root = fileURLToPath(new URL('..', import.meta.url));

await runTool({
  help: HELP,
  options: { port: { type: 'string' }, data: { type: 'string' }, demo: { type: 'boolean' } },
  run: async (commandLine) => {
    const port = await readPort(commandLine.text('port') ?? process.env['PORT'] ?? '7071');
    await start(port, commandLine.text('data'), commandLine.flag('demo'));
  },
});

async function readPort(text: string): Promise<number> {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InputError(`--port must be a whole number from 0 to 65535, got "${text}".`);
  }
  // The port is checked before anything else is started.
  if ((await pickPort(port)) !== port) {
    throw new InputError(
      `Port ${port} is taken: name another with --port, or a free one with --port 0.`,
    );
  }
  return port;
}

async function start(port: number, dataFolder: string | undefined, isDemo: boolean): Promise<void> {
  const localSettings = await readLocalSettings(`${root}/local.settings.json`);
  const given = { ...localSettings, ...process.env };
  const [services] = await Promise.all([startLocalServices(given, dataFolder), buildApp()]);
  try {
    const demo = isDemo ? readDemo(services) : undefined;
    const host = await startLocalHost({ appFolder: root, port, env: services.settings });
    const ended = new AbortController();
    if (demo !== undefined) {
      const written = await fillHour({ url: host.url, ...demo });
      console.log(`${written} simulated requests of the last hour are written.`);
      void sendRequests(host.url, ended.signal);
    }
    printWelcome(host.url, services.simulatorUrl);
    await untilStopped();
    ended.abort();
    await host.close();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
  await services.close();
}

/** Ensures that made-up records are written only to the emulator, and that the requests cost nothing. */
function readDemo({ azurite, simulatorUrl, settings }: LocalServices): { readonly tables: string } {
  if (azurite !== undefined && simulatorUrl !== undefined && settings['ROUTER_AUTH'] === 'none') {
    return { tables: azurite };
  }
  throw new InputError(
    '--demo is for simulated deployments, the emulator and a router that is open to all: unset AZURE_OPENAI_ENDPOINT, TABLES_ENDPOINT, TABLES_CONNECTION_STRING, ROUTER_API_KEYS and ENTRA_TENANT_ID.',
  );
}

function printWelcome(url: string, simulatorUrl: string | undefined): void {
  const deployments = simulatorUrl === undefined ? 'yours' : `simulated at ${simulatorUrl}`;
  const chat = `${url}/llm/openai/deployments/smart-router/chat/completions`;
  console.log(`
Smart Router is at ${url}  (deployments: ${deployments}; Ctrl+C stops it)
What it does and saves: ${url}/dashboard

Try:
  curl ${url}/health
  curl -i ${chat} -H 'content-type: application/json' -d '{"prompt":"Hi, how are you today?"}'
  curl -N ${chat} -H 'content-type: application/json' -d '{"prompt":"Prove that the square root of 2 is irrational.","stream":true}'
`);
}
