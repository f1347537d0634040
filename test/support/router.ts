import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { type LocalHost, startLocalHost } from '../../tools/local-host/local-host.ts';
import { simulatorSettings } from '../../tools/local-services/local-services.ts';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { type Keep, keepLogged } from './logged.ts';

export type Router = {
  readonly url: string;
  readonly simulator: Simulator;
  /** The functions that the app has registered. */
  readonly functions: LocalHost['functions'];
  /** Everything the app has printed. */
  output(): string;
  workerPid(): number;
  close(): Promise<void>;
};

type RouterOptions = {
  readonly settings?: Readonly<Record<string, string>>;
  /** The simulator (default: a new one, closed with the router). */
  readonly simulator?: Simulator;
  readonly hangMs?: number;
  /** The key that the host requires for functions of auth level `function`. */
  readonly functionKey?: string;
};

let keep: Keep | undefined;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The path at which chat completions are routed. */
export const ROUTED = '/llm/openai/deployments/smart-router/chat/completions';

/** Settings that require authentication: without one of them a test's router is open to all. */
const DOORS = ['ROUTER_API_KEYS', 'ENTRA_TENANT_ID', 'FRONT_DOOR'];

/** Starts the built app in the local host, with simulated deployments, open to all. */
export async function startRouter(options: RouterOptions = {}): Promise<Router> {
  const simulator = options.simulator ?? (await startSimulator());
  let output = '';
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    ...simulatorSettings(simulator.url),
    ...(DOORS.some((door) => door in (options.settings ?? {})) ? {} : { ROUTER_AUTH: 'none' }),
    ...options.settings,
  };
  keep ??= keepLogged(inject('loggedFolder'));
  keep.settings({ ...env, FUNCTION_KEY_SECRET: options.functionKey });
  const host = await startLocalHost({
    appFolder: root,
    hangMs: options.hangMs ?? 60_000,
    ...(options.functionKey !== undefined && { functionKey: options.functionKey }),
    env,
    onOutput: (text) => {
      keep?.output(text);
      output += text;
    },
  });
  return {
    url: host.url,
    simulator,
    functions: host.functions,
    output: () => output,
    workerPid: host.workerPid,
    close: async () => {
      await host.close();
      if (options.simulator === undefined) await simulator.close();
    },
  };
}

/** Waits until outcomes are accepted: the key of request ids is read during the first requests. */
export async function untilIdsAreSigned({ url }: Router): Promise<void> {
  const isSigned = async () => {
    const response = await fetch(`${url}/health`);
    return response.headers.get('x-request-id')?.includes('.') === true;
  };
  while (!(await isSigned())) await new Promise((resolve) => setTimeout(resolve, 20));
}

type Answered = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  readonly body: any;
};

/** Posts JSON, or a raw body, and reads the JSON answer. */
export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: isRaw(body) ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function isRaw(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array;
}
