import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
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

describe('the caller that the front door names', () => {
  const key = { 'x-functions-key': FUNCTION_KEY };

  /** Returns the caller that is logged for a call. */
  async function callerOf(headers: Record<string, string>): Promise<string | undefined> {
    const answer = await post(router.url + ROUTED, question, { ...key, ...headers });
    expect(answer.status).toBe(200);
    const id = answer.headers.get('x-smart-router-request-id') ?? '';
    const find = () =>
      router
        .output()
        .split('\n')
        .find((line) => line.includes(id) && line.includes('"chat"'));
    await expect.poll(find).toBeDefined();
    return /"caller":"([^"]*)"/.exec(find() ?? '')?.[1];
  }

  test('is logged, or the front door itself where it names nobody', async () => {
    expect(await callerOf({ 'x-front-door-caller': 'team-7' })).toBe('team-7');
    expect(await callerOf({})).toBe('front-door');
  });

  test('is refused when it is not a valid name', async () => {
    const headers = { ...key, 'x-front-door-caller': 'team 7' };
    const answer = await post(router.url + ROUTED, question, headers);
    expect(answer.status).toBe(400);
    expect(answer.body.error.param).toBe('x-front-door-caller');
  });

  test('is not taken from a body or a query', async () => {
    const forged = { host: 'h', 'x-front-door-caller': 'team-8' };
    const headers = { ...key, 'x-front-door-caller': 'team-7' };
    const inBody = await post(router.url + ROUTED, { ...question, headers: forged }, headers);
    expect(inBody.status).toBe(400);
    const query = `?headers=${encodeURIComponent(JSON.stringify(forged))}`;
    expect((await post(router.url + ROUTED + query, question, headers)).status).toBe(400);
    expect(router.output()).not.toContain('team-8');
  });

  test('is not taken from the unseen body of a GET', async () => {
    const forge = (name: string) => ({ headers: { host: 'h', 'x-front-door-caller': name } });
    // One of the two is not a valid name: the status shows which one was used.
    expect(await getModels('team-7', forge('no name'))).toMatchObject({ status: 200 });
    expect(await getModels('no name', forge('team-7'))).toMatchObject({ status: 400 });
  });

  async function getModels(caller: string, body: unknown) {
    const outgoing = request(`${router.url}/llm/openai/v1/models`, {
      headers: { ...key, 'x-front-door-caller': caller, 'content-type': 'application/json' },
    });
    const json = JSON.stringify(body);
    outgoing.setHeader('content-length', json.length);
    outgoing.end(json);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, text: await text(answer) };
  }
});
