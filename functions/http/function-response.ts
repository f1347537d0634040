import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HttpResponse } from '@azure/functions';
import type { Answer } from '../../shared/base/answer.ts';

/**
 * An answer as the Functions library takes it. By itself it would make a fetch Response of it, with web
 * streams, only to read that again at once, which took a tenth of the worker's time.
 * It looks at the status, reads the headers once, and writes the body's chunks on as they come. Throws what
 * is wrong with the status or a header, which would leave the client without an answer.
 */
export function toFunctionResponse({ status, headers, body }: Answer): HttpResponse {
  const response = new HttpResponse({ status });
  for (const name in headers) {
    validateHeaderName(name);
    validateHeaderValue(name, headers[name] ?? '');
  }
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  return Object.defineProperties(response, {
    headers: {
      value: {
        get: (name: string) => headers[name] ?? null,
        entries: () => Object.entries(headers),
      },
    },
    body: { value: { values: () => (isWhole ? [body] : body) } },
  });
}
