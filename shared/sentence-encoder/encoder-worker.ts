import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from '../base/errors.ts';
import { loadEncoder } from './encoder-files.ts';

// A text takes milliseconds of a processor, during which other requests would wait. The encoder therefore
// has its own thread.

/** Texts that were waiting together. Each is encoded by itself, so that its numbers are the same alone. */
export type Batch = { readonly id: number; readonly text: string }[];

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  | { readonly kind: 'encoded'; readonly id: number; readonly numbers: Float32Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly id: number; readonly error: string }
  /** All texts of the batch have their answers. */
  | { readonly kind: 'idle' };

export type WorkerSettings = { readonly modelsFolder: string };

function answer(one: Answer, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(one, transfer);
}

const { modelsFolder } = workerData as WorkerSettings;
try {
  const { encode } = await loadEncoder(modelsFolder);
  parentPort?.on('message', async (batch: Batch) => {
    for (const { id, text } of batch) {
      try {
        const numbers = Float32Array.from(await encode(text));
        answer({ kind: 'encoded', id, numbers }, [numbers.buffer]);
      } catch (error) {
        answer({ kind: 'failed', id, error: String(error) });
      }
    }
    answer({ kind: 'idle' });
  });
  answer({ kind: 'ready' });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  answer({ kind: 'refused', problems: error.problems });
}
