import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HttpError } from '../base/errors.ts';
import type { Order, Result, Statement, WorkerSettings } from './sqlite-worker.ts';

export type Row = Readonly<Record<string, unknown>>;

export type Database = {
  /** Runs all statements or none; returns the rows of the last one. */
  run(statements: readonly Statement[]): Promise<readonly Row[]>;
  close(): Promise<void>;
};

/** SQLite or its extension for vectors is not installed (501). */
class EngineMissingError extends HttpError {
  constructor(cause: unknown) {
    super(
      'VECTOR_STORE_FILE needs SQLite with the extension sqlite-vec: run "npm install sqlite-vec" in the folder of the app, on Node 22.13 or newer (best: 24).',
      { status: 501, type: 'server_error', code: 'vector_engine_missing', cause },
    );
  }
}

/** In the bundle, the worker's file is next to index.js, and this one is among the chunks. */
const WORKER = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : '../sqlite-worker.js';

/**
 * Opens a database with the extension for vectors, in its own worker thread. Throws an EngineMissingError
 * if SQLite or the extension is not installed.
 */
export async function openDatabase(file: string): Promise<Database> {
  const worker = await startWorker(file);
  const waiting = new Map<number, PromiseWithResolvers<readonly Row[]>>();
  let [nextId, ending] = [0, undefined as Error | undefined];

  function end(error: Error): void {
    ending ??= error;
    for (const { reject } of waiting.values()) reject(ending);
    waiting.clear();
  }

  worker.on('message', (result: Result) => {
    const one = waiting.get(result.id);
    waiting.delete(result.id);
    if ('rows' in result) one?.resolve(result.rows);
    else one?.reject(new Error(result.error));
    // The worker keeps the process alive only while it has work.
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', end);
  worker.on('exit', () => end(new Error('The worker thread of the database has ended.')));
  worker.unref();

  return {
    run: (statements) => {
      if (ending !== undefined) return Promise.reject(ending);
      const order: Order = { id: nextId, statements };
      nextId += 1;
      const one = Promise.withResolvers<readonly Row[]>();
      waiting.set(order.id, one);
      worker.ref();
      worker.postMessage(order);
      return one.promise;
    },
    close: async () => {
      await worker.terminate();
    },
  };
}

async function startWorker(file: string): Promise<Worker> {
  try {
    await import('node:sqlite');
    const { getLoadablePath } = createRequire(import.meta.url)('sqlite-vec') as {
      getLoadablePath(): string;
    };
    const settings: WorkerSettings = { file, extension: getLoadablePath() };
    return new Worker(new URL(WORKER, import.meta.url), { workerData: settings });
  } catch (error) {
    throw new EngineMissingError(error);
  }
}
