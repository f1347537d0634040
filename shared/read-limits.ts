import type { SettingsReader } from './settings-reader.ts';

/** What one request may take, and all of them together. */
export type Limits = {
  readonly maxBodyBytes: number;
  readonly maxAnswerBytes: number;
  readonly requestTimeoutMs: number;
  readonly embeddingTimeoutMs: number;
};

/** Reads the settings that bound requests in bytes, time and number. */
export function readLimits(read: SettingsReader): Limits {
  const mebibyte = 1024 * 1024;
  // The platform ends a request after 230 s without a byte, and host.json's functionTimeout ends
  // all streams of the worker that runs into it.
  const requestTimeoutMs =
    read.integer('REQUEST_TIMEOUT_MS', { min: 1, max: 1_500_000 }) ?? 220_000;
  const embeddingTimeoutMs = read.integer('EMBEDDING_TIMEOUT_MS', { min: 1, max: 1_500_000 });
  if (embeddingTimeoutMs !== undefined && embeddingTimeoutMs >= requestTimeoutMs) {
    read.problem(
      'EMBEDDING_TIMEOUT_MS must be below REQUEST_TIMEOUT_MS: no time would be left for the answer.',
    );
  }
  return {
    // The host itself takes 100 MiB and answers the next byte with an empty 500.
    maxBodyBytes: read.integer('MAX_BODY_BYTES', { min: 1, max: 100 * mebibyte }) ?? 32 * mebibyte,
    // The host takes all it is given without back-pressure: a slow reader costs this much memory.
    maxAnswerBytes: read.integer('MAX_ANSWER_BYTES', { min: 1 }) ?? 64 * mebibyte,
    requestTimeoutMs,
    embeddingTimeoutMs: embeddingTimeoutMs ?? Math.min(5_000, Math.ceil(requestTimeoutMs / 2)),
  };
}
