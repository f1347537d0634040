import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processorMs, residentMegabytes } from '../measure/process-usage.ts';
import { PORTKEY } from '../packages/portkey.ts';
import type { SimulatorMessage } from '../upstream-simulator/simulator-child.ts';

/** A measured server, in its own process. */
export type Server = {
  readonly url: string;
  /** Processor time of all threads since the start, in ms. */
  cpuMs(): Promise<number>;
  memoryMb(): Promise<number>;
  close(): Promise<void>;
};

export type Program = {
  /** The arguments for Node: a file and its own arguments. */
  readonly script: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

type StartedMessage = Extract<SimulatorMessage, { type: 'started' }>;

const START_MS = 30_000;

/** Starts a program that listens on a port, and waits until it does. */
export async function startServer(port: number, program: Program): Promise<Server> {
  const child = spawnProgram(program);
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_MS;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`${program.script.join(' ')} does not answer at ${url}.`);
    }
    await delay(20);
  }
  return toServer(url, child);
}

export function spawnProgram({ script, cwd, env }: Program): ChildProcess {
  // This process's environment is not passed on, so that results do not depend on it.
  const options = { cwd, env: { PATH: process.env['PATH'], ...env } } as const;
  return spawn(process.execPath, script, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
}

export function toServer(url: string, child: ChildProcess): Server {
  const pid = child.pid ?? 0;
  return {
    url,
    cpuMs: () => processorMs(pid),
    memoryMb: () => residentMegabytes(pid),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function startSimulatorServer(): Promise<Server> {
  const file = new URL('../upstream-simulator/simulator-child.ts', import.meta.url);
  const child = fork(fileURLToPath(file));
  const [{ url }] = (await once(child, 'message')) as [StartedMessage];
  return toServer(url, child);
}

/** Portkey's gateway, started as its README says, but without its page. */
export function portkeyProgram(port: number, cwd: string): Program {
  return {
    script: [PORTKEY, '--headless', `--port=${port}`],
    cwd,
    env: { NODE_ENV: 'production' },
  };
}

/** A proxy that only passes requests on. */
export function bareProxyProgram(port: number, upstream: string, cwd: string): Program {
  const script = fileURLToPath(new URL('bare-proxy.ts', import.meta.url));
  return { script: [script, upstream, String(port)], cwd, env: {} };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
