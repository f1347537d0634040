import { type HttpError, toErrorBody } from './errors.ts';

/** What goes back to the caller, before the host's own form of it. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** An iterable must not throw: once the status is sent, an error has no other way out. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
};

/** What server-sent events are sent with. */
export const EVENT_STREAM = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
};

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
