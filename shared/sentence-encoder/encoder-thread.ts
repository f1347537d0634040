import { Worker } from 'node:worker_threads';
import { ConfigError } from '../base/errors.ts';
import type { Answer, Batch, WorkerSettings } from './encoder-worker.ts';

/** An encoder in a thread of its own. */
export type EncoderThread = {
  /**
   * Returns 1 and the encoding of a text; or only zeros if the encoder does not understand the text.
   * Throws when the text has waited too long or the thread has ended.
   */
  encode(text: string): Promise<Float32Array>;
  /** Ends the thread; what waits is rejected. */
  close(): Promise<void>;
};

type ThreadOptions = {
  readonly modelsFolder: string;
  /** The limit of one text, with its wait for others. */
  readonly timeoutMs: number;
  /** Called once, when the thread has ended. */
  readonly onEnd?: () => void;
  /** Called with the number of texts of each batch. */
  readonly onBatch?: (texts: number) => void;
};

type Waiting = PromiseWithResolvers<Float32Array> & { readonly timer: NodeJS.Timeout };

/** In the bundle, the worker's file is next to index.js, and this one is among the chunks. */
const WORKER = import.meta.url.endsWith('.ts') ? './encoder-worker.ts' : '../encoder-worker.js';

/**
 * Starts the thread. Throws a ConfigError if the files of the encoder cannot be used.
 */
export async function startEncoderThread(options: ThreadOptions): Promise<EncoderThread> {
  const { modelsFolder, timeoutMs, onEnd, onBatch } = options;
  const worker = await start({ modelsFolder });
  const waiting = new Map<number, Waiting>();
  let [queue, isBusy, nextId] = [[] as Batch, false, 0];
  let ending: Error | undefined;

  function settle(id: number): Waiting | undefined {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.timer);
    // The thread keeps the process alive only while somebody waits.
    if (waiting.size === 0) worker.unref();
    return one;
  }

  function end(error: Error): void {
    ending ??= error;
    for (const id of [...waiting.keys()]) settle(id)?.reject(ending);
  }

  function sendBatch(): void {
    const batch = queue.filter(({ id }) => waiting.has(id));
    queue = [];
    isBusy = batch.length > 0;
    if (!isBusy) return;
    onBatch?.(batch.length);
    worker.postMessage(batch);
  }

  worker.on('message', (answer: Answer) => {
    if (answer.kind === 'encoded') settle(answer.id)?.resolve(answer.numbers);
    else if (answer.kind === 'failed') settle(answer.id)?.reject(new Error(answer.error));
    else if (answer.kind === 'idle') sendBatch();
  });
  worker.on('error', (error: unknown) =>
    end(error instanceof Error ? error : new Error(String(error))),
  );
  worker.on('exit', () => {
    end(new Error('The thread of the encoder has ended.'));
    onEnd?.();
  });

  function encode(text: string): Promise<Float32Array> {
    if (ending !== undefined) return Promise.reject(ending);
    const id = nextId;
    nextId += 1;
    const timer = setTimeout(() => {
      settle(id)?.reject(new Error(`The encoder did not answer within ${timeoutMs} ms.`));
    }, timeoutMs);
    const one = { ...Promise.withResolvers<Float32Array>(), timer };
    waiting.set(id, one);
    queue.push({ id, text });
    worker.ref();
    if (!isBusy) sendBatch();
    return one.promise;
  }

  return {
    encode,
    close: async () => {
      await worker.terminate();
    },
  };
}

/** Resolves when the thread can encode; the process need not wait for it to end. */
async function start(settings: WorkerSettings): Promise<Worker> {
  const worker = new Worker(new URL(WORKER, import.meta.url), { workerData: settings });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('message', (answer: Answer) => {
    if (answer.kind === 'refused') reject(new ConfigError(answer.problems));
    else resolve();
  });
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('The thread of the encoder has ended.')));
  await promise;
  worker.unref();
  return worker;
}
