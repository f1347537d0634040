import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HttpResponse } from '@azure/functions';
import type { Answer } from '../../shared/base/answer.ts';

/**
 * Returns an answer in the form that the Functions library takes. The library would otherwise build a fetch
 * Response with web streams and read it again immediately, which took a tenth of the worker's time.
 * It looks at the status, reads the headers once, and writes the body's chunks as they come. Throws an error
 * for an invalid status or header, which would leave the client without an answer.
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
