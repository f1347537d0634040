import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Router, startRouter } from '../support/router.ts';

let router: Router;
let locked: Router;
beforeAll(async () => {
  const sha256 = createHash('sha256').update('a key of somebody').digest('hex');
  router = await startRouter();
  locked = await startRouter({ settings: { ROUTER_API_KEYS: `one=${sha256}` } });
});
afterAll(() => Promise.all([router.close(), locked.close()]));

async function filesOf({ url }: Router): Promise<readonly string[]> {
  const page = await (await fetch(`${url}/dashboard`)).text();
  return [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => `${url}/${file}`);
}

/** Returns the answer as sent over the wire, without decompression. */
function getRaw(url: string, headers: Record<string, string>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, async (response) => resolve(Buffer.concat(await response.toArray())))
      .on('error', reject)
      .end();
  });
}

describe('GET /dashboard', () => {
  test('serves the page to everybody, with a policy that allows only its own files', async () => {
    const response = await fetch(`${locked.url}/dashboard`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
    expect(await response.text()).not.toMatch(/<script[^>]*>[^<]|<style| style=| on\w+=/);
  });

  test('is not sent again to a client that has it', async () => {
    const etag = (await fetch(`${router.url}/dashboard`)).headers.get('etag') ?? '';
    const again = await fetch(`${router.url}/dashboard`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });
});

describe('GET /dashboard/{name}', () => {
  test('serves the files of the page, compressed where accepted, with a permanent cache lifetime', async () => {
    const files = await filesOf(locked);
    expect(files).toHaveLength(3);
    for (const file of files) {
      const response = await fetch(file);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
      expect(response.headers.get('content-type')).toMatch(/^(text\/(javascript|css)|image\/svg)/);
      const plain = await getRaw(file, {});
      const zipped = await getRaw(file, { 'accept-encoding': 'br, gzip' });
      expect(gunzipSync(zipped).equals(plain)).toBe(true);
    }
  });

  test.each(['none.js', '..%2Findex.js', '..%2F..%2Fhost.json', 'index.html%00'])(
    'has no file %s',
    async (name) => {
      const response = await fetch(`${router.url}/dashboard/${name}`);
      expect([400, 404]).toContain(response.status);
      expect(await response.text()).not.toContain('extensionBundle');
    },
  );
});
