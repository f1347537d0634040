import { describe, expect, test } from 'vitest';
import { passAnswerHeaders, passRequestHeaders } from '../../../shared/upstream/passed-headers.ts';

describe('the headers of a request', () => {
  test('pass only those of traces', () => {
    const sent: Readonly<Record<string, string>> = {
      authorization: 'Bearer caller',
      'api-key': 'caller',
      cookie: 'a=b',
      host: 'example.com',
      'content-length': '5',
      traceparent: '00-1-2-01',
      'x-ms-client-request-id': 'id',
    };
    expect(passRequestHeaders((name) => sent[name] ?? null)).toEqual({
      traceparent: '00-1-2-01',
      'x-ms-client-request-id': 'id',
    });
  });
});

describe('the headers of an answer', () => {
  test('pass those that clients read and none of the connection', () => {
    expect(
      passAnswerHeaders({
        'retry-after': '1',
        'x-ratelimit-remaining-tokens': '0',
        'x-request-id': 'a',
        'apim-request-id': 'b',
        'content-length': '5',
        'transfer-encoding': 'chunked',
        'set-cookie': 'a=b',
        connection: 'close',
      }),
    ).toEqual({
      'retry-after': '1',
      'x-ratelimit-remaining-tokens': '0',
      'x-request-id': 'a',
      'apim-request-id': 'b',
    });
  });

  test('name the request by the id of the gateway when it has no other id', () => {
    expect(passAnswerHeaders({ 'apim-request-id': 'b' })).toMatchObject({ 'x-request-id': 'b' });
  });
});
