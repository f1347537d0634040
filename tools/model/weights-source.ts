import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../command-line/input-error.ts';

/** RouteLLM's file has 0.8 MB; anything near this limit is something else. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Reads a weights file whole. Throws an InputError when there is none or it is far too large. */
export async function readWeights(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new Error('it is not a file');
    checkSize(found.size);
    return await readFile(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`The weights file ${path} cannot be read: ${reason(error)}`);
  }
}

/** Fetches `model.safetensors` of a repository on the hub into memory. */
export async function fetchWeights(
  repository: string,
  hub: string,
  timeoutMs: number,
): Promise<Uint8Array> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository) || !URL.canParse(hub)) {
    throw new InputError(
      `--from-hub must look like "owner/name" and --hub like "https://huggingface.co", got "${repository}" and "${hub}".`,
    );
  }
  const url = new URL(
    `${repository}/resolve/main/model.safetensors`,
    `${hub.replace(/\/+$/, '')}/`,
  );
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new InputError(`${url} answered ${response.status}.`);
    checkSize(Number(response.headers.get('content-length') ?? 0));
    return await collect(response);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${url} cannot be fetched: ${reason(error)}`);
  } finally {
    // Ends what was refused before its end: an open connection would keep the process alive.
    done.abort();
  }
}

/** Counts what really comes: the announced length may be missing or untrue. */
async function collect(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    checkSize(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkSize(bytes: number): void {
  if (bytes > MAX_BYTES) {
    throw new InputError(
      `The weights file is too large: ${bytes} bytes or more, and at most ${MAX_BYTES} are read.`,
    );
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
