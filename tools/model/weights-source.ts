import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../command-line/input-error.ts';

/** Size limit in bytes. RouteLLM's file has 0.8 MB; a file near this limit is something else. */
const MAX_BYTES = 64 * 1024 * 1024;

export const DEFAULT_HUB = 'https://huggingface.co';

/** The hub cannot be reached or does not have the file: a later attempt, or another hub, may succeed. */
export class HubError extends InputError {}

/** Reads a whole weights file. Throws an InputError when it does not exist or is far too large. */
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

type HubFile = {
  /** Repository on the hub, as `owner/name`. */
  readonly repository: string;
  /** A commit, a branch or a tag. */
  readonly revision: string;
  /** The hub's address. */
  readonly hub: string;
  /** Timeout of the whole download in milliseconds. */
  readonly timeoutMs: number;
};

/**
 * Fetches `model.safetensors` of a repository on the hub into memory. Throws a HubError when the
 * hub does not provide it, and an InputError when the request cannot be right.
 */
export async function fetchWeights(file: HubFile): Promise<Uint8Array> {
  const url = addressOf(file);
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(file.timeoutMs)]);
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new HubError(`${url} answered ${response.status}.`);
    checkSize(Number(response.headers.get('content-length') ?? 0));
    return await collect(response);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new HubError(`${url} cannot be fetched: ${reason(error)}`);
  } finally {
    // A refused download is aborted, since an open connection would keep the process alive.
    done.abort();
  }
}

function addressOf({ repository, revision, hub }: HubFile): URL {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository) || !URL.canParse(hub)) {
    throw new InputError(
      `--from-hub must look like "owner/name" and --hub like "${DEFAULT_HUB}", got "${repository}" and "${hub}".`,
    );
  }
  if (!/^(?!.*\.\.)\w[\w./-]*$/.test(revision)) {
    throw new InputError(`--revision must be a commit or a branch, got "${revision}".`);
  }
  return new URL(
    `${repository}/resolve/${encodeURIComponent(revision)}/model.safetensors`,
    `${hub.replace(/\/+$/, '')}/`,
  );
}

/** Compares the SHA-256. Throws an InputError that names both hashes (hex) when they differ. */
export function checkSha256(bytes: Uint8Array, expected: string): void {
  if (!/^[0-9a-f]{64}$/i.test(expected)) {
    throw new InputError(`A SHA-256 must be 64 hexadecimal digits, got "${expected}".`);
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === expected.toLowerCase()) return;
  throw new InputError(
    `The weights are not the expected file: their SHA-256 is ${found}, but must be ${expected.toLowerCase()}.`,
  );
}

/** Collects the body and counts its bytes, since the stated length may be missing or wrong. */
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
      `The weights file is too large: ${bytes} bytes or more, but at most ${MAX_BYTES} are read.`,
    );
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
