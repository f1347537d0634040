import { getHeapStatistics } from 'node:v8';
import type { SettingsReader } from '../base/settings-reader.ts';
import type { UpstreamLimits } from '../upstream/protect-upstream.ts';
import { readUpstreamLimits } from '../upstream/read-upstream-limits.ts';

const mebibyte = 1024 * 1024;

type BodyLimits = {
  readonly maxBodyBytes: number;
  /** The most bytes of the bodies of all requests under way together. */
  readonly maxBodyBytesInFlight: number;
  /** The most levels of nested lists and objects. */
  readonly maxBodyDepth: number;
  /** The most items of lists; a key of an object counts as five. */
  readonly maxBodyValues: number;
  readonly maxHeaderBytes: number;
};

type RequestLimits = {
  readonly maxAnswerBytes: number;
  readonly requestTimeoutMs: number;
  readonly embeddingTimeoutMs: number;
  /** The most requests under way. */
  readonly maxInFlight: number;
  /** The most requests under way of one caller. */
  readonly maxInFlightPerCaller: number;
  /** The time for the body of a request. */
  readonly bodyTimeoutMs: number;
  /** The time to wait for a deployment's first byte while another one could answer. */
  readonly firstByteTimeoutMs: number;
  /** The most calls to deployments for one request. */
  readonly maxAttempts: number;
};

/** The times of a stream, in ms. */
type StreamLimits = {
  /** The time after the first content; undefined: it has no limit. */
  readonly streamTimeoutMs: number | undefined;
  /** The longest silence after the first content, of the deployment or of a client that does not read. */
  readonly streamIdleTimeoutMs: number;
  /** How long a client waits for its status and headers while there is no content. */
  readonly streamOpenMs: number;
  /** The time between the comments that it gets after that, until there is content. */
  readonly streamCommentMs: number;
};

type StorageLimits = {
  /** The time of one call to tables, blobs or vectors with its repetitions, in ms. */
  readonly storageTimeoutMs: number;
  /** The most such calls under way that requests wait for. */
  readonly maxStorageCalls: number;
};

/** The limits of one request, and of all requests together. */
export type Limits = BodyLimits & RequestLimits & StreamLimits & StorageLimits & UpstreamLimits;

/**
 * Reads the settings that limit the bytes, the time and the number of requests. Where there is only one caller, no
 * places are kept free for others.
 */
export function readLimits(read: SettingsReader, callers: 'one' | 'several' = 'several'): Limits {
  // The platform ends a request after 230 s without a byte.
  const requestTimeoutMs =
    read.integer('REQUEST_TIMEOUT_MS', { min: 1, max: 1_500_000 }) ?? 220_000;
  const embeddingTimeoutMs = read.integer('EMBEDDING_TIMEOUT_MS', { min: 1, max: 1_500_000 });
  if (embeddingTimeoutMs !== undefined && embeddingTimeoutMs >= requestTimeoutMs) {
    read.problem(
      'EMBEDDING_TIMEOUT_MS must be below REQUEST_TIMEOUT_MS: otherwise no time is left for the answer.',
    );
  }
  const places = readPlaces(read, callers);
  const { maxInFlight } = places;
  return {
    ...readBodyLimits(read),
    ...readStorageLimits(read, { requestTimeoutMs, maxInFlight }),
    // If the host hides the connection, a slow reader of a stream costs this much memory.
    maxAnswerBytes: read.integer('MAX_ANSWER_BYTES', { min: 1 }) ?? 64 * mebibyte,
    requestTimeoutMs,
    bodyTimeoutMs:
      read.integer('BODY_TIMEOUT_MS', { min: 1, max: 1_500_000 }) ??
      Math.min(100_000, Math.ceil(requestTimeoutMs / 2)),
    ...places,
    // The first byte of a plain answer comes with the last one, which takes reasoning models minutes.
    firstByteTimeoutMs:
      read.integer('FIRST_BYTE_TIMEOUT_MS', { min: 1, max: 1_500_000 }) ??
      Math.min(100_000, Math.ceil(requestTimeoutMs / 2)),
    maxAttempts: read.integer('MAX_ATTEMPTS', { min: 1, max: 10 }) ?? 3,
    embeddingTimeoutMs: embeddingTimeoutMs ?? Math.min(2_000, Math.ceil(requestTimeoutMs / 2)),
    ...readStreamLimits(read),
    ...readUpstreamLimits(read),
  };
}

function readPlaces(read: SettingsReader, callers: 'one' | 'several') {
  const maxInFlight = read.integer('MAX_IN_FLIGHT', { min: 1, max: 100_000 }) ?? 256;
  const ofOne = callers === 'one' ? maxInFlight : Math.ceil(maxInFlight / 4);
  const maxInFlightPerCaller =
    read.integer('MAX_IN_FLIGHT_PER_CALLER', { min: 1, max: 100_000 }) ?? ofOne;
  return { maxInFlight, maxInFlightPerCaller };
}

/** By default at least half of the requests need not wait while no call to the storage is answered. */
function readStorageLimits(
  read: SettingsReader,
  { requestTimeoutMs, maxInFlight }: Pick<RequestLimits, 'requestTimeoutMs' | 'maxInFlight'>,
): StorageLimits {
  const longest = Math.ceil(requestTimeoutMs / 2);
  const timeoutMs = read.integer('STORAGE_TIMEOUT_MS', { min: 1, max: 1_500_000 });
  if (timeoutMs !== undefined && timeoutMs > longest) {
    read.problem(
      'STORAGE_TIMEOUT_MS must be at most half of REQUEST_TIMEOUT_MS: otherwise a request ends before it can say that the storage does not answer.',
    );
  }
  return {
    storageTimeoutMs: timeoutMs ?? Math.min(10_000, longest),
    maxStorageCalls:
      read.integer('MAX_STORAGE_CALLS', { min: 1, max: 100_000 }) ??
      Math.min(64, Math.ceil(maxInFlight / 2)),
  };
}

const DAY_MS = 86_400_000;

function readStreamLimits(read: SettingsReader): StreamLimits {
  return {
    streamTimeoutMs: read.integer('STREAM_TIMEOUT_MS', { min: 1, max: DAY_MS }),
    streamIdleTimeoutMs: read.integer('STREAM_IDLE_TIMEOUT_MS', { min: 1, max: DAY_MS }) ?? 100_000,
    streamOpenMs: read.integer('STREAM_OPEN_MS', { min: 1, max: DAY_MS }) ?? 25_000,
    streamCommentMs: read.integer('STREAM_COMMENT_MS', { min: 1, max: DAY_MS }) ?? 15_000,
  };
}

/**
 * A byte that a request holds takes a few bytes as text, as an object and as text again: an eighth of the
 * heap is safe.
 */
function memoryBudget(): number {
  return Math.min(256 * mebibyte, Math.floor(getHeapStatistics().heap_size_limit / 8));
}

/** Reads the limits of a request that hold before it is parsed. */
function readBodyLimits(read: SettingsReader): BodyLimits {
  // The host itself takes 100 MiB and answers the next byte with an empty 500.
  const maxBodyBytes =
    read.integer('MAX_BODY_BYTES', { min: 1, max: 100 * mebibyte }) ?? 32 * mebibyte;
  const maxBodyBytesInFlight =
    read.integer('MAX_BODY_BYTES_IN_FLIGHT', { min: 1 }) ?? Math.max(memoryBudget(), maxBodyBytes);
  if (maxBodyBytesInFlight < maxBodyBytes) {
    read.problem(
      'MAX_BODY_BYTES_IN_FLIGHT must not be below MAX_BODY_BYTES: otherwise a body of that size is never accepted.',
    );
  }
  return {
    maxBodyBytes,
    maxBodyBytesInFlight,
    // The deepest bodies are schemas of tools and answers, with about twenty levels.
    maxBodyDepth: read.integer('MAX_BODY_DEPTH', { min: 8, max: 1_000 }) ?? 64,
    // An embeddings request may have 300,000 tokens, each a number; twice that takes a second.
    maxBodyValues: read.integer('MAX_BODY_VALUES', { min: 1_000 }) ?? 500_000,
    // The library's server takes 16 KiB unless the worker's arguments raise it.
    maxHeaderBytes: read.integer('MAX_HEADER_BYTES', { min: 1_024 }) ?? 32 * 1024,
  };
}

export type Listen = {
  readonly host: string;
  readonly port: number;
  /** How long requests are still answered after the process was asked to end, in ms. */
  readonly drainMs: number;
};

/** How a router that runs as a separate process is reached. Default: only from this machine. */
export function readListen(read: SettingsReader): Listen {
  return {
    host: read.text('HOST') ?? '127.0.0.1',
    port: read.integer('PORT', { min: 0, max: 65_535 }) ?? 7071,
    // Longer than load balancers take to notice that an instance is not ready.
    drainMs: read.integer('DRAIN_MS', { min: 0, max: 600_000 }) ?? 5_000,
  };
}
