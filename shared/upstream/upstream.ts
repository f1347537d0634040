import { type Dispatcher, Pool } from 'undici';
import { untilAborted } from '../deadline.ts';
import { type HttpError, UpstreamError } from '../errors.ts';
import { type Deployment, type Operation, operationUrl } from './deployment.ts';
import type { GetToken } from './entra-token.ts';

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Must be read to its end or destroyed; each chunk as it came from the socket. */
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void };
};

export type UpstreamRequest = {
  readonly operation: Operation;
  readonly body: string;
  /** The few of the caller's headers that mean something upstream. Never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** One deployment, ready to be called. */
export type Upstream = {
  readonly deployment: Deployment;
  /**
   * Resolves when the status and headers are there, whatever the status is.
   * Throws an UpstreamError when no answer came.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /**
   * The status of a call without a question: a 400 shows that address, credential and deployment
   * are right, and costs no tokens.
   */
  probe(operation: Operation, signal: AbortSignal): Promise<number>;
};

/** One connection pool per address, shared by the deployments behind it. */
export function createUpstreams(getToken: GetToken): (deployment: Deployment) => Upstream {
  const pools = new Map<string, Pool>();
  return (deployment) => {
    const { origin } = new URL(deployment.endpoint);
    // The deadline of the request is the one limit in time; undici's own would only blur it.
    const pool = pools.get(origin) ?? new Pool(origin, { headersTimeout: 0, bodyTimeout: 0 });
    pools.set(origin, pool);
    return createUpstream(deployment, pool, getToken);
  };
}

function createUpstream(deployment: Deployment, pool: Pool, getToken: GetToken): Upstream {
  const paths = {
    'chat/completions': pathOf(operationUrl(deployment, 'chat/completions')),
    embeddings: pathOf(operationUrl(deployment, 'embeddings')),
  };

  async function request(options: Omit<Dispatcher.RequestOptions, 'origin'>, signal: AbortSignal) {
    try {
      // The credential's own waits know nothing of this request's deadline.
      const authorization = await untilAborted(authorize(deployment, getToken), signal);
      // Compressed bytes could be neither read nor added to.
      const headers = { 'accept-encoding': 'identity', ...options.headers, ...authorization };
      return await pool.request({ ...options, headers, signal });
    } catch (error) {
      throw describeFailure(deployment, error, signal);
    }
  }

  return {
    deployment,
    send: async ({ operation, headers, signal, body: sent }) => {
      const answer = await request(post(paths[operation], sent, headers), signal);
      // Destroying a body that nobody reads is an error event, which would end the process.
      const body = answer.body.on('error', () => undefined);
      return { status: answer.statusCode, headers: flatten(answer.headers), body };
    },
    probe: async (operation, signal) => {
      const body = JSON.stringify({ model: deployment.name });
      const answer = await request(post(paths[operation], body, {}), signal);
      await answer.body.dump();
      return answer.statusCode;
    },
  };
}

function post(path: string, body: string, headers: Readonly<Record<string, string>>) {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  } as const;
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

async function authorize(
  { apiStyle, apiKey }: Deployment,
  getToken: GetToken,
): Promise<Record<string, string>> {
  if (apiStyle === 'openai')
    return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  if (apiKey !== undefined) return { 'api-key': apiKey };
  return { authorization: `Bearer ${await getToken()}` };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** Says what failed without the address, which may be private; the cause goes to the log. */
function describeFailure(deployment: Deployment, cause: unknown, signal: AbortSignal): HttpError {
  if (signal.aborted) {
    return new UpstreamError(
      `The deployment ${deployment.name} did not answer in time. Try again, or raise REQUEST_TIMEOUT_MS.`,
      { status: 504, code: 'upstream_timeout', cause },
    );
  }
  return new UpstreamError(
    `The deployment ${deployment.name} could not be reached. Check its endpoint and credential, and GET /ready.`,
    { status: 502, code: 'upstream_unreachable', cause },
  );
}
