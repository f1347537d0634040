import autocannon from 'autocannon';

type Order = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
};

/** Sends requests for the given seconds; resolves to the milliseconds of each 200 and the number of failures. */
export async function sendRequests({ url, headers, bodies, connections, seconds }: Order): Promise<{
  readonly times: readonly number[];
  readonly errors: number;
}> {
  const times: number[] = [];
  let errors = 0;
  await new Promise<void>((resolve, reject) => {
    const options = {
      url,
      connections,
      headers,
      duration: seconds,
      timeout: 30,
      method: 'POST' as const,
      requests: bodies.map((body) => ({ body })),
    };
    const instance = autocannon(options, (error: unknown) => (error ? reject(error) : resolve()));
    instance.on('response', (_client, status, _bytes, ms) => {
      if (status === 200) times.push(ms);
      else errors += 1;
    });
    instance.on('reqError', () => {
      errors += 1;
    });
  });
  return { times, errors };
}
