import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HostMessage, TimerFunction, WorkerMessage } from './messages.ts';
import type { HttpFunction } from './route-table.ts';

export type WorkerOptions = {
  /** The folder with package.json, host.json and the build output. */
  readonly appFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with each chunk that the worker prints. */
  readonly onOutput: (text: string) => void;
};

/** How an invocation ended; `lost` when the worker died during it. */
export type InvocationEnd = 'done' | 'failed' | 'lost';

export type Worker = {
  readonly pid: number;
  readonly httpUri: URL;
  readonly functions: readonly HttpFunction[];
  readonly timers: readonly TimerFunction[];
  readonly exited: Promise<void>;
  invoke(
    invocation: Omit<Extract<HostMessage, { type: 'invoke' }>, 'type'>,
  ): Promise<InvocationEnd>;
  kill(): void;
  /** Runs the app's appTerminate hooks; kills the worker when they take more than 5 s. */
  terminate(): Promise<void>;
};

const TERMINATE_MS = 5_000;

/** Starts a worker. Throws with the app's output when it does not start. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    cwd: options.appFolder,
    env: { ...options.env, FUNCTIONS_WORKER_RUNTIME: 'node' },
    execArgv: [...typeScriptFlags(), ...workerArguments(options.env)],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', options.onOutput);
  }
  const exited = once(child, 'exit').then(() => undefined);
  const ready = await waitForStart(child, exited);
  const ends = trackEnds(child, exited);
  function send(message: HostMessage): void {
    // A message that does not reach a worker because it is ending needs no handling: its end is noticed.
    if (child.connected) child.send(message, () => undefined);
  }
  return {
    pid: child.pid ?? 0,
    httpUri: new URL(ready.httpUri),
    functions: ready.functions,
    timers: ready.timers,
    exited,
    invoke: (invocation) => {
      const end = ends(invocation.invocationId);
      send({ type: 'invoke', ...invocation });
      return end;
    },
    kill: () => child.kill('SIGKILL'),
    terminate: async () => {
      send({ type: 'terminate' });
      const timer = setTimeout(() => child.kill('SIGKILL'), TERMINATE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * Returns the flags that Node 22.12 to 22.17 need to strip types, which report the feature only
 * after that.
 */
function typeScriptFlags(): string[] {
  const flag = '--experimental-strip-types';
  const isDefault = process.features.typescript && !process.execArgv.includes(flag);
  return [...(isDefault ? [] : [flag]), '--disable-warning=ExperimentalWarning'];
}

/** Returns the arguments that the setting passes to the real worker's Node as well. */
function workerArguments(env: WorkerOptions['env']): string[] {
  return (env['languageWorkers__node__arguments'] ?? '').split(/\s+/).filter((one) => one !== '');
}

function waitForStart(
  child: ChildProcess,
  exited: Promise<void>,
): Promise<Extract<WorkerMessage, { type: 'ready' }>> {
  const { promise, resolve, reject } =
    Promise.withResolvers<Extract<WorkerMessage, { type: 'ready' }>>();
  let reason = 'The worker ended before it was ready.';
  child.once('message', (message: WorkerMessage) => {
    if (message.type === 'ready') return resolve(message);
    reason = message.type === 'start-failed' ? message.message : message.type;
    return child.kill('SIGKILL');
  });
  child.once('error', reject);
  void exited.then(() => reject(new Error(reason)));
  return promise;
}

/** Tracks invocations by the promise of their end. Each promise is settled, even when the worker dies. */
function trackEnds(child: ChildProcess, exited: Promise<void>) {
  const waiting = new Map<string, (end: InvocationEnd) => void>();
  let isGone = false;
  function settle(invocationId: string, end: InvocationEnd): void {
    waiting.get(invocationId)?.(end);
    waiting.delete(invocationId);
  }
  child.on('message', (message: WorkerMessage) => {
    if (message.type === 'done') settle(message.invocationId, 'done');
    if (message.type === 'failed') {
      console.error(`[host] Invocation ${message.invocationId} failed: ${message.message}`);
      settle(message.invocationId, 'failed');
    }
  });
  void exited.then(() => {
    isGone = true;
    for (const invocationId of waiting.keys()) settle(invocationId, 'lost');
  });
  return (invocationId: string): Promise<InvocationEnd> => {
    const { promise, resolve } = Promise.withResolvers<InvocationEnd>();
    if (isGone) resolve('lost');
    else waiting.set(invocationId, resolve);
    return promise;
  };
}
