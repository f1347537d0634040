// The worker process of the local host. It loads the unmodified app and runs its functions, as the
// worker of Azure Functions does.
import { glob, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type HookName, installCoreApi, type RegisteredFunction } from './core-api.ts';
import type { HostMessage, TimerFunction, WorkerMessage } from './messages.ts';
import type { HttpFunction } from './route-table.ts';

type Invocation = Extract<HostMessage, { type: 'invoke' }>;

const RANK = ['trace', 'debug', 'information', 'warning', 'error', 'critical'];
const state = installCoreApi(logLine);
const appHookData = {};

process.on('message', (message: HostMessage) => {
  if (message.type === 'terminate') void terminate();
  else void answer(message);
});
// A worker without its host has nothing to do.
process.on('disconnect', () => process.exit(0));
// Ctrl+C reaches all processes of a terminal, but the host ends this one in order.
process.on('SIGINT', () => undefined);

try {
  send(await start());
} catch (error) {
  // A failing entry point blocks the start, since the app has no functions then.
  send({ type: 'start-failed', message: describe(error) });
}

async function start(): Promise<WorkerMessage> {
  const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'));
  const { main } = manifest as { main?: unknown };
  if (typeof main !== 'string') throw new Error('package.json has no "main".');
  // The value may be a pattern, such as "dist/{index.js,functions/*.js}".
  const files: string[] = [];
  for await (const file of glob(main)) files.push(file);
  if (files.length === 0) {
    throw new Error(`Found zero files matching the supplied pattern "${main}".`);
  }
  for (const file of files) await import(pathToFileURL(resolve(file)).href);
  await runHooks('appStart', { hookData: {} });
  if (state.model === undefined)
    throw new Error(`${main} registers nothing with @azure/functions.`);
  const { HttpUri: httpUri } = await state.model.getCapabilities({});
  state.locked = true;
  if (httpUri === undefined) {
    throw new Error('The local host needs app.setup({ enableHttpStream: true }).');
  }
  const registered = [...state.functions.values()];
  return {
    type: 'ready',
    httpUri,
    functions: registered.flatMap(httpFunction),
    timers: registered.flatMap(timerFunction),
  };
}

function httpFunction({ metadata }: RegisteredFunction): HttpFunction[] {
  const trigger = triggerOf(metadata.bindings, 'httptrigger')?.[1];
  if (trigger === undefined) return [];
  const { route = metadata.name, methods = ['GET', 'POST'], authLevel = 'function' } = trigger;
  return [{ name: metadata.name, route, methods, authLevel }];
}

function timerFunction({ metadata }: RegisteredFunction): TimerFunction[] {
  const trigger = triggerOf(metadata.bindings, 'timertrigger')?.[1];
  if (trigger === undefined) return [];
  const { schedule = '', runOnStartup = false } = trigger;
  return [{ name: metadata.name, schedule, runOnStartup }];
}

function triggerOf(
  bindings: RegisteredFunction['metadata']['bindings'],
  wanted: 'httptrigger' | 'timertrigger',
) {
  return Object.entries(bindings).find(([, { type }]) => type.toLowerCase() === wanted);
}

async function answer(invocation: Invocation): Promise<void> {
  const { invocationId } = invocation;
  try {
    await invoke(invocation);
    send({ type: 'done', invocationId });
  } catch (error) {
    send({ type: 'failed', invocationId, message: describe(error) });
  }
}

async function invoke(invocation: Invocation): Promise<void> {
  const { invocationId, functionName, triggerMetadata, traceParent, timer } = invocation;
  const registered = state.functions.get(functionName);
  const kind = timer === undefined ? 'httptrigger' : 'timertrigger';
  const trigger = registered && triggerOf(registered.metadata.bindings, kind);
  if (registered === undefined || trigger === undefined || state.model === undefined) {
    throw new Error(`There is no function "${functionName}" with a ${kind}.`);
  }
  const coreContext = {
    invocationId,
    metadata: registered.metadata,
    state: undefined as string | undefined,
    log: (level: string, _category: string, message: string) => logLine(level, message),
    request: {
      invocationId,
      functionId: functionName,
      // In stream mode, everything else of a request travels over HTTP.
      inputData: [
        { name: trigger[0], data: timer ? { json: JSON.stringify(timer) } : { http: {} } },
      ],
      triggerMetadata,
      traceContext: { traceParent, traceState: '', attributes: {} },
    },
  };
  const model = state.model.getInvocationModel(coreContext);
  const { context, inputs } = await model.getArguments();
  coreContext.state = 'preInvocationHooks';
  const shared = { hookData: {}, invocationContext: context };
  const before = { ...shared, inputs, functionCallback: registered.callback };
  await runHooks('preInvocation', before);
  coreContext.state = 'invocation';
  const outcome = await settle(() =>
    model.invokeFunction(context, before.inputs, before.functionCallback),
  );
  coreContext.state = 'postInvocationHooks';
  const after = { ...shared, inputs: before.inputs, ...outcome };
  await runHooks('postInvocation', after);
  if (after.error != null) throw after.error;
  // The library writes to the waiting request here, and nowhere else.
  await model.getResponse(context, after.result);
}

async function settle(run: () => Promise<unknown>): Promise<{ result?: unknown; error?: unknown }> {
  try {
    return { result: await run() };
  } catch (error) {
    return { error };
  }
}

async function runHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
  context['appHookData'] = appHookData;
  for (const callback of state.hooks.get(name) ?? []) await callback(context);
}

async function terminate(): Promise<void> {
  try {
    await runHooks('appTerminate', { hookData: {} });
  } catch (error) {
    logLine('error', describe(error));
  }
  process.exit(0);
}

function logLine(level: string, message: string): void {
  if (RANK.indexOf(level) >= RANK.indexOf('information')) console.error(`[${level}] ${message}`);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A list of settings to correct needs no stack trace.
  return error.name === 'ConfigError' ? error.message : (error.stack ?? error.message);
}

function send(message: WorkerMessage): void {
  process.send?.(message);
}
