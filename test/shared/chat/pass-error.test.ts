import { expect, test } from 'vitest';
import { passError } from '../../../shared/chat/pass-error.ts';

const error = Buffer.from('{"error":{"message":"Too fast."}}');

test.each([400, 429, 500, 599])('passes a %d in the form of OpenAI on as it is', (status) => {
  expect(passError(status, error, { 'retry-after': '1' })).toEqual({
    status,
    headers: { 'retry-after': '1', 'content-type': 'application/json' },
    body: error,
  });
});

test.each([204, 302, 600, 999])('makes a 502 of %d, which is no error of HTTP', (status) => {
  const answer = passError(status, error, {});
  expect(answer.status).toBe(502);
  expect(JSON.parse(String(answer.body))).toMatchObject({ error: { code: 'upstream_invalid' } });
});

test.each(['<html>Bad gateway</html>', '', '[]', '{"message":"x"}'])(
  'puts what is not in the form of OpenAI into it: %s',
  (body) => {
    const answer = passError(503, Buffer.from(body), {});
    expect(answer.status).toBe(503);
    expect(JSON.parse(String(answer.body))).toMatchObject({ error: { type: 'upstream_error' } });
  },
);
