import { Pool } from 'undici';

/** One way to ask for a chat completion. */
export type Target = {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type LoadOptions = {
  readonly connections: number;
  readonly requests: number;
  /** True: the time to the first content of a stream; false: to the end of the answer. */
  readonly stream: boolean;
};

export type Sample = {
  readonly ms: number;
  /** What the router says of its own time; NaN for another server. */
  readonly overheadMs: number;
};

/** Sends requests over so many connections at once, and times each. */
export async function load(target: Target, options: LoadOptions): Promise<Sample[]> {
  const pool = new Pool(new URL(target.url).origin, { connections: options.connections });
  const samples: Sample[] = [];
  let left = options.requests;
  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1;
      samples.push(await timeOne(pool, target, options.stream));
    }
  }
  await Promise.all(Array.from({ length: options.connections }, work));
  await pool.close();
  return samples;
}

async function timeOne(pool: Pool, target: Target, stream: boolean): Promise<Sample> {
  const { pathname, search } = new URL(target.url);
  const startedAt = performance.now();
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: pathname + search,
    headers: { 'content-type': 'application/json', ...target.headers },
    body: target.body,
  });
  if (statusCode !== 200) throw new Error(`${target.name} answered ${statusCode}.`);
  let text = '';
  let firstMs: number | undefined;
  for await (const chunk of body) {
    if (!stream || firstMs !== undefined) continue;
    text += String(chunk);
    // The simulator's answers begin with "This".
    if (text.includes('"content":"T')) firstMs = performance.now() - startedAt;
  }
  const ms = firstMs ?? performance.now() - startedAt;
  return { ms, overheadMs: Number(headers['x-smart-router-overhead-ms']) };
}

/** The value below which the share `q` (0 to 1) of the numbers lies. */
export function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
