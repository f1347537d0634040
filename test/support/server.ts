import { inject } from 'vitest';
import { simulatorSettings } from '../../tools/local-services/local-services.ts';
import {
  type ServerProcess,
  startServerProcess,
} from '../../tools/local-services/server-process.ts';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { keepLogged } from './logged.ts';

export type RouterServer = ServerProcess & { readonly simulator: Simulator };

/** Starts the built router in its own process, with simulated deployments. If it ends, throws an error with its output. */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RouterServer> {
  const simulator = await startSimulator();
  const env = {
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    ...simulatorSettings(simulator.url),
    ...('ROUTER_API_KEYS' in settings || 'FRONT_DOOR' in settings ? {} : { ROUTER_AUTH: 'none' }),
    DRAIN_MS: '0',
    ...settings,
  };
  const keep = keepLogged(inject('loggedFolder'));
  keep.settings(env);
  try {
    const server = await startServerProcess({ env, onOutput: keep.output });
    return {
      ...server,
      simulator,
      stop: async () => {
        const code = await server.stop();
        await simulator.close();
        return code;
      },
    };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}
