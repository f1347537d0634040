import type { Answer } from '../../shared/base/answer.ts';

type Headers = Readonly<Record<string, string>>;
type Header = (name: string) => string | null;

/** The request headers that a page may send, and the beginnings of their names. */
const SENT = new Set([
  'accept',
  'api-key',
  'authorization',
  'content-type',
  'foundry-features',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-ms-client-request-id',
  'x-use-case',
  'x-use_case',
]);
const SENT_PREFIX = /^x-(smart-router|stainless)-[\w-]+$/;

/** The headers of an answer that a page may read, besides those that any page may. */
const READ =
  /^(x-smart-router-.+|x-request-id|x-ratelimit-.+|retry-after.*|etag|apim-request-id|openai-processing-ms)$/;

/** How long browsers may remember a preflight, in seconds: the most that Chromium does. */
const MAX_AGE = '7200';

/** Answers browsers whose pages come from other origins. */
export type CrossOrigin = {
  /** The headers to add to an answer. */
  answerHeaders(header: Header, answer: Headers): Headers;
  /** The answer to a preflight of a path that has these methods. */
  preflight(header: Header, methods: readonly string[]): Answer;
};

/** `origins` are those that may call; `*` stands for every origin. */
export function createCrossOrigin(origins: readonly string[]): CrossOrigin {
  function allowed(header: Header): string | undefined {
    const origin = header('origin');
    if (origin === null) return undefined;
    if (origins.includes('*')) return '*';
    return origins.includes(origin) ? origin : undefined;
  }
  return {
    answerHeaders: (header, answer) => {
      // A cache must not give the answer for one origin to another.
      const vary = answer['vary'] === undefined ? 'origin' : `${answer['vary']}, origin`;
      const origin = allowed(header);
      if (origin === undefined) return { vary };
      const read = Object.keys(answer).filter((name) => READ.test(name));
      return {
        vary,
        'access-control-allow-origin': origin,
        'access-control-expose-headers': read.join(', '),
      };
    },
    preflight: (header, methods) => {
      const headers = { allow: [...methods, 'OPTIONS'].join(', ') };
      const varied = 'access-control-request-method, access-control-request-headers';
      if (allowed(header) === undefined) {
        return { status: 204, headers: { ...headers, vary: varied }, body: '' };
      }
      const asked = header('access-control-request-headers')?.toLowerCase().split(',') ?? [];
      const sent = asked
        .map((name) => name.trim())
        .filter((name) => SENT.has(name) || SENT_PREFIX.test(name));
      return {
        status: 204,
        headers: {
          ...headers,
          vary: varied,
          'access-control-allow-methods': methods.join(', '),
          ...(sent.length > 0 && { 'access-control-allow-headers': sent.join(', ') }),
          'access-control-max-age': MAX_AGE,
        },
        body: '',
      };
    },
  };
}
