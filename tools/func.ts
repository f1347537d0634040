import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApp } from './bundle/build-app.ts';
import { readLocalSettings, startLocalServices } from './local-services/local-services.ts';

const HELP = `npm run func [-- <arguments of func start>]

Builds the app and runs it on the real Functions host, with Azure Storage's emulator and simulated
deployments. Runs func from the PATH, else npx azure-functions-core-tools@4.`;

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
if (given.includes('--help')) {
  console.log(HELP);
} else {
  process.exitCode = await runHost(given);
}

async function runHost(hostArguments: readonly string[]): Promise<number> {
  const localSettings = await readLocalSettings(`${root}/local.settings.json`);
  const [services] = await Promise.all([
    startLocalServices({ ...localSettings, ...process.env }),
    buildApp(),
  ]);
  const [command = 'npx', ...prefix] = (await isOnPath('func'))
    ? ['func']
    : ['npx', '--yes', 'azure-functions-core-tools@4'];
  const child = spawn(command, [...prefix, 'start', ...hostArguments], {
    cwd: root,
    // In Core Tools, too, environment variables take precedence over local.settings.json.
    env: { FUNCTIONS_WORKER_RUNTIME: 'node', ...services.settings },
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  // The host receives the terminal's signals itself and ends; the services end after it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await Promise.race([
    once(child, 'exit'),
    once(child, 'error').then(([error]) => {
      console.error(`func could not be started: ${String(error)}`);
      return [1];
    }),
  ]);
  await services.close();
  if (command === 'npx' && code !== 0) {
    console.error(
      'If the host did not start: Azure Functions Core Tools download themselves when they are installed, which needs more of the network than the npm registry. Install them as Microsoft describes, so that func is on the PATH.',
    );
  }
  return typeof code === 'number' ? code : 1;
}

async function isOnPath(command: string): Promise<boolean> {
  const names = process.platform === 'win32' ? [`${command}.cmd`, `${command}.exe`] : [command];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of names) {
      if (
        await access(join(folder, name)).then(
          () => true,
          () => false,
        )
      )
        return true;
    }
  }
  return false;
}
