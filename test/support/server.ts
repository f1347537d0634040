import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { simulatorSettings } from '../../tools/local-services/local-services.ts';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { keepLogged } from './logged.ts';

export type RouterServer = {
  readonly url: string;
  readonly simulator: Simulator;
  /** Returns its whole output. */
  output(): string;
  /** Asks it to end, as a container's host does. Resolves to its exit code. */
  stop(): Promise<number | null>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Starts the built router in its own process, with simulated deployments. If it ends, throws an error with its output. */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RouterServer> {
  const simulator = await startSimulator();
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    ...simulatorSettings(simulator.url),
    ...('ROUTER_API_KEYS' in settings || 'FRONT_DOOR' in settings ? {} : { ROUTER_AUTH: 'none' }),
    PORT: '0',
    DRAIN_MS: '0',
    ...settings,
  };
  const keep = keepLogged(inject('loggedFolder'));
  keep.settings(env);
  const child = spawn(process.execPath, ['dist/functions/server.js'], { cwd: root, env });
  const exited = once(child, 'exit');
  let output = '';
  const { promise: port, resolve, reject } = Promise.withResolvers<string>();
  function take(chunk: unknown): void {
    output += String(chunk);
    keep.output(String(chunk));
    const found = /"event":"listening".*"port":(\d+)/.exec(output)?.[1];
    if (found !== undefined) resolve(found);
  }
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  void exited.then(() => reject(new Error(output)));
  async function stop(): Promise<number | null> {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await exited;
    await simulator.close();
    return child.exitCode;
  }
  try {
    return { url: `http://127.0.0.1:${await port}`, simulator, output: () => output, stop };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}
