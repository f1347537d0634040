import { type HttpError, toErrorBody } from './errors.ts';

/** The answer to the caller, before it takes the host's own form. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** An iterable must not throw: once the status is sent, an error has no other way out. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
};

/** The headers of server-sent events. */
export const EVENT_STREAM = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
};

/** A server-sent event that has JSON as its data. */
export function dataEvent(json: unknown): Buffer {
  return Buffer.from(`data: ${JSON.stringify(json)}\n\n`);
}

export function jsonAnswer(
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  };
}

export function errorAnswer(
  error: HttpError,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(error.status, toErrorBody(error), { ...headers, ...error.headers });
}
