import { Pool } from 'undici';

/** A POST request with a JSON body. */
type Target = { readonly url: string; readonly body: string };
type LoadOptions = { readonly connections: number; readonly requests: number };

export type Sample = {
  /** Milliseconds to the end of the answer. */
  readonly ms: number;
  /** The router's own time in milliseconds, by its header. */
  readonly overheadMs: number;
};

/** Sends requests over several connections concurrently, and times each. Throws at an answer other than 200. */
export async function load(target: Target, options: LoadOptions): Promise<Sample[]> {
  const pool = new Pool(new URL(target.url).origin, { connections: options.connections });
  const samples: Sample[] = [];
  let left = options.requests;
  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1;
      samples.push(await timeOne(pool, target));
    }
  }
  await Promise.all(Array.from({ length: options.connections }, work));
  await pool.close();
  return samples;
}

async function timeOne(pool: Pool, { url, body }: Target): Promise<Sample> {
  const { pathname, search } = new URL(url);
  const startedAt = performance.now();
  const answer = await pool.request({
    method: 'POST',
    path: pathname + search,
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}.`);
  await answer.body.dump({ limit: Number.POSITIVE_INFINITY });
  const ms = performance.now() - startedAt;
  return { ms, overheadMs: Number(answer.headers['x-smart-router-overhead-ms']) };
}
