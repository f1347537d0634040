import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, launchBrowser } from '../../tools/packages/launch-browser.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const KEY = 'key-of-a-page';
let router: RouterServer;
let browser: Browser;

/** A page of another origin, with the openai package as its script. */
const site = createServer(async (request, response) => {
  if (request.url !== '/client.js') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>A page</title><script src="/client.js"></script>');
    return;
  }
  const { outputFiles } = await build({
    stdin: {
      contents: 'import OpenAI from "openai"; globalThis.OpenAI = OpenAI;',
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
  });
  response.writeHead(200, { 'content-type': 'text/javascript' });
  response.end(outputFiles[0]?.contents);
});
const origin = () => `http://127.0.0.1:${(site.address() as AddressInfo).port}`;

beforeAll(async () => {
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  router = await startServer({
    ROUTER_API_KEYS: `page=${createHash('sha256').update(KEY).digest('hex')}`,
    ROUTER_CORS_ORIGINS: origin(),
  });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await router.stop();
  site.close();
});

/** Asks with the openai package in a page; gives the content, the tier and the content of a stream. */
async function askIn(address: string): Promise<unknown> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  const given = JSON.stringify({ url: `${router.url}/llm/openai/v1`, key: KEY });
  return page.evaluate(`(async ({ url, key }) => {
    const client = new OpenAI({
      baseURL: url,
      apiKey: key,
      maxRetries: 0,
      dangerouslyAllowBrowser: true,
      defaultHeaders: { 'x-use_case': 'page', 'idempotency-key': 'one', 'x-smart-router-threshold': '0' },
    });
    const ask = { model: 'smart-router', messages: [{ role: 'user', content: 'Hello' }] };
    try {
      const { data, response } = await client.chat.completions.create(ask).withResponse();
      let streamed = '';
      for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
        streamed += chunk.choices[0]?.delta.content ?? '';
      }
      const content = data.choices[0].message.content;
      return { content, streamed, tier: response.headers.get('x-smart-router-tier') };
    } catch (error) {
      return { failed: error.constructor.name };
    }
  })(${given})`);
}

test('a page of an allowed origin can ask, and read the decision', async () => {
  const answer = (await askIn(origin())) as Record<string, string>;
  expect(answer).toMatchObject({ content: expect.stringContaining('Hello'), tier: 'strong' });
  expect(answer['streamed']).toBe(answer['content']);
});

test('a page of another origin cannot', async () => {
  const other = origin().replace('127.0.0.1', 'localhost');
  expect(await askIn(other)).toEqual({ failed: 'APIConnectionError' });
});
