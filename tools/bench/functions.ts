import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, stop } from 'esbuild';
import { REQUIRE_BANNER } from '../bundle/build-app.ts';
import { type LocalHost, startLocalHost } from '../local-host/local-host.ts';
import { processorMs, residentMegabytes } from '../measure/process-usage.ts';
import { PROJECT_FOLDER } from '../package/stage-app.ts';
import type { Server } from './servers.ts';
import { routerTarget, type Target } from './targets.ts';

/** The limit of the local host, which takes far fewer connections than the app. */
const MAX_CONNECTIONS = 16;

/** The packaged app and an app of one empty function, each in its own local host. */
export async function startFunctionApps(
  folder: string,
  appFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly targets: Target[]; close(): Promise<void> }> {
  const emptyFolder = join(folder, 'empty-function');
  await bundleEmptyFunction(emptyFolder);
  const options = { onOutput: () => undefined };
  const [app, empty] = await Promise.all([
    startLocalHost({ appFolder, env, ...options }),
    startLocalHost({ appFolder: emptyFolder, env: { PATH: env['PATH'] }, ...options }),
  ]);
  const router = routerTarget('functions', workerOf(app), MAX_CONNECTIONS);
  const least = routerTarget('empty function', workerOf(empty), MAX_CONNECTIONS);
  return {
    targets: [router, { ...least, url: `${empty.url}/empty`, isForStreams: false }],
    close: async () => {
      await Promise.all([app.close(), empty.close()]);
    },
  };
}

async function bundleEmptyFunction(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: PROJECT_FOLDER,
    entryPoints: { index: 'tools/bench/empty-function.ts' },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    logLevel: 'warning',
    external: ['@azure/functions-core'],
    banner: REQUIRE_BANNER,
  });
  await stop();
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'empty-function', version: '0.0.0', type: 'module', main: 'index.js' }),
  );
  await copyFile(join(PROJECT_FOLDER, 'host.json'), join(folder, 'host.json'));
}

/** The usage of the app's process, without that of its host. */
function workerOf(host: LocalHost): Server {
  return {
    url: host.url,
    cpuMs: () => processorMs(host.workerPid()),
    memoryMb: () => residentMegabytes(host.workerPid()),
    close: host.close,
  };
}
