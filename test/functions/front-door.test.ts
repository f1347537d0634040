import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const FUNCTION_KEY = 'the-key-of-the-host';
const question = { prompt: 'Hi, how are you today?' };
let router: Router;

beforeAll(async () => {
  router = await startRouter({
    settings: { FRONT_DOOR: 'function-key' },
    functionKey: FUNCTION_KEY,
  });
});

afterAll(() => router.close());

describe('behind a front door', () => {
  test('a request that did not come through it is turned away by the host', async () => {
    const answer = await post(router.url + ROUTED, question);
    expect(answer.status).toBe(401);
    expect(answer.body).toBeUndefined();
    expect(router.simulator.requests).toHaveLength(0);
  });

  test("a caller's own key does not open it", async () => {
    const answer = await post(router.url + ROUTED, question, { 'api-key': FUNCTION_KEY });
    expect(answer.status).toBe(401);
  });

  test('a request with the function key is answered, without a key of the router', async () => {
    const answer = await post(router.url + ROUTED, question, { 'x-functions-key': FUNCTION_KEY });
    expect(answer.status).toBe(200);
    expect(answer.body.selected_model).toEqual(expect.any(String));
  });

  test('a wrong function key in the header is not made good by a right one in the query', async () => {
    const url = `${router.url}${ROUTED}?code=${FUNCTION_KEY}`;
    expect((await post(url, question)).status).toBe(200);
    expect((await post(url, question, { 'x-functions-key': 'wrong' })).status).toBe(401);
  });

  test('health stays open', async () => {
    expect((await fetch(`${router.url}/health`)).status).toBe(200);
  });
});
