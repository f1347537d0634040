import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SimulatorMessage } from '../upstream-simulator/simulator-child.ts';

export type SimulatorProcess = {
  readonly url: string;
  /** Returns how often deployments received this question. */
  callsOf(id: string): number;
  /** Resolves when all calls so far are counted. */
  settle(): Promise<void>;
  /** Forgets the calls. */
  forget(): void;
  /** Kills the process immediately, like a crash. */
  kill(): Promise<void>;
  /** Restarts the process at the same address, after a kill. */
  restart(): Promise<void>;
};

/** Starts a simulator that can be killed, and counts its calls across restarts. */
export async function startSimulatorProcess(): Promise<SimulatorProcess> {
  const calls = new Map<string, number>();
  const onCall = (id: string) => calls.set(id, (calls.get(id) ?? 0) + 1);
  let { child, url } = await startChild(0, onCall);
  return {
    url,
    callsOf: (id) => calls.get(id) ?? 0,
    settle: async () => {
      if (!child.connected) return;
      const answered = waitFor(child, 'mark');
      child.send({ type: 'mark' } satisfies SimulatorMessage);
      await answered;
    },
    forget: () => calls.clear(),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    restart: async () => {
      ({ child, url } = await startChild(Number(new URL(url).port), onCall));
    },
  };
}

async function startChild(
  port: number,
  onCall: (id: string) => void,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const file = fileURLToPath(new URL('../upstream-simulator/simulator-child.ts', import.meta.url));
  const child = fork(file, [String(port), 'calls']);
  child.on('message', (message: SimulatorMessage) => {
    if (message.type === 'call') onCall(message.id);
  });
  const { url } = await waitFor(child, 'started');
  return { child, url };
}

/** Waits for the next message of a type. Throws when the process ends first. */
async function waitFor<Type extends SimulatorMessage['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<SimulatorMessage, { type: Type }>> {
  const { promise, resolve, reject } =
    Promise.withResolvers<Extract<SimulatorMessage, { type: Type }>>();
  function look(message: SimulatorMessage): void {
    // Messages are distinguished by their type.
    if (message.type === type) resolve(message as Extract<SimulatorMessage, { type: Type }>);
  }
  function fail(): void {
    reject(new Error('The simulator ended.'));
  }
  child.on('message', look);
  child.once('exit', fail);
  return promise.finally(() => {
    child.off('message', look);
    child.off('exit', fail);
  });
}
