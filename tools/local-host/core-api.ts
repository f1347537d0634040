import Module from 'node:module';

export type HookName = 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation' | 'log';
const HOOK_NAMES: readonly string[] = [
  'appStart',
  'appTerminate',
  'preInvocation',
  'postInvocation',
  'log',
];

export type HookCallback = (context: Record<string, unknown>) => unknown;

export type Binding = {
  readonly type: string;
  readonly direction: string;
  readonly name?: string;
  readonly route?: string;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
};

export type FunctionMetadata = {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, Binding>>;
};

export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** The library's model of one invocation. */
export type InvocationModel = {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<unknown>;
};

export type ProgrammingModel = {
  getInvocationModel(coreContext: Record<string, unknown>): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
};

export type RegisteredFunction = {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
};

/** The functions and hooks that an app has registered. */
export type CoreState = {
  model?: ProgrammingModel;
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Map<string, HookCallback[]>;
  /** True once start-up is over; registration is refused from then on. */
  locked: boolean;
};

/**
 * Provides the module `@azure/functions-core`, which exists only inside a worker. Code that
 * requires it gets what the library expects from a real worker.
 */
export function installCoreApi(log: (level: string, message: string) => void): CoreState {
  const state: CoreState = { functions: new Map(), hooks: new Map(), locked: false };
  const core = {
    version: '3.14.1',
    hostVersion: '4.1052.200',
    Disposable: { from: () => undefined },
    getProgrammingModel: () => state.model,
    setProgrammingModel: (model: ProgrammingModel) => {
      state.model = model;
    },
    log: (level: string, _category: string, message: string) => log(level, message),
    registerHook: (name: string, callback: HookCallback) => registerHook(state, name, callback),
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      registerFunction(state, metadata, callback),
  };
  // Every require goes through this method, also the one of a bundled ES module.
  const prototype = Module.prototype as unknown as { require: (id: string) => unknown };
  const original = prototype.require;
  prototype.require = function require(this: unknown, id: string): unknown {
    return id === '@azure/functions-core' ? core : original.call(this, id);
  };
  return state;
}

function registerHook(state: CoreState, name: string, callback: HookCallback) {
  if (!HOOK_NAMES.includes(name)) {
    throw Object.assign(new RangeError(`Unrecognized hook "${name}".`), {
      isAzureFunctionsSystemError: true,
    });
  }
  const callbacks = state.hooks.get(name) ?? [];
  callbacks.push(callback);
  state.hooks.set(name, callbacks);
  return { dispose: () => callbacks.splice(callbacks.indexOf(callback), 1) };
}

function registerFunction(
  state: CoreState,
  metadata: FunctionMetadata,
  callback: FunctionCallback,
) {
  if (state.locked) throw new Error('A function can only be registered during app startup.');
  const id = metadata.functionId ?? metadata.name;
  if (state.functions.has(id)) throw new Error(`A function "${id}" already exists.`);
  state.functions.set(id, { metadata, callback });
  return { dispose: () => state.functions.delete(id) };
}
