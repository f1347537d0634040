import { type Dispatcher, Pool } from 'undici';
import { untilAborted } from '../deadline.ts';
import { UpstreamError } from '../errors.ts';
import type { CheckEndpoint } from './allowed-hosts.ts';
import { type Deployment, type Operation, operationUrl, upstreamNameOf } from './deployment.ts';
import { describeFailure } from './describe-failure.ts';
import type { GetToken } from './entra-token.ts';
import { type BareUpstream, protectUpstream, type UpstreamLimits } from './protect-upstream.ts';

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

/** How a deployment fares. */
export type UpstreamState = {
  /** `closed`: it is called; `open`: it is left alone; `half-open`: the next call tries it. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** What is left of the pause that it asked for, in ms. */
  readonly resting_ms?: number;
  /** Calls under way, until their answers' bodies have ended. */
  readonly in_flight: number;
  /** Calls that wait for one of those to end. */
  readonly queued: number;
};

/** One deployment, ready to be called. */
export type Upstream = {
  readonly deployment: Deployment;
  /**
   * Resolves when the status and headers are there, whatever the status is.
   * Throws an UpstreamError when no answer came, or the deployment was not asked: 503
   * `circuit_open`, 429 `deployment_resting`, 429 `deployment_busy`, each with `retry-after`. Throws
   * the signal's reason when that is a CallEndedError.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /**
   * The status of a call without a question: a 400 shows that address, credential and deployment
   * are right, and costs no tokens. It is made however the deployment fares.
   */
  probe(operation: Operation, signal: AbortSignal): Promise<number>;
  state(): UpstreamState;
};

/** Whether it would take a call now. */
export function canBeAsked(upstream: Upstream): boolean {
  const { circuit, resting_ms } = upstream.state();
  return circuit !== 'open' && resting_ms === undefined;
}

/** Far more than any deployment sends; the number of headers is bounded with it. */
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * One connection pool per address, shared by the deployments behind it. The pools have no limit of
 * their own, so that no call waits in them unseen behind another, which may hang: the deployments'
 * slots bound the connections. There can be twice as many for a moment, because a slot is free
 * before its connection is.
 */
export function createUpstreams(
  getToken: GetToken,
  limits: UpstreamLimits & {
    /** Asked before an upstream is made; absent: every address will do. */
    readonly checkEndpoint?: CheckEndpoint;
  },
): (deployment: Deployment) => Upstream {
  const pools = new Map<string, Pool>();
  return (deployment) => {
    limits.checkEndpoint?.(deployment.endpoint);
    const { origin } = new URL(deployment.endpoint);
    // The deadline of the request is the one limit in time; undici's own would only blur it.
    const options = { headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES };
    const pool = pools.get(origin) ?? new Pool(origin, options);
    pools.set(origin, pool);
    return protectUpstream(createBareUpstream(deployment, pool, getToken), limits);
  };
}

function createBareUpstream(deployment: Deployment, pool: Pool, getToken: GetToken): BareUpstream {
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
      throw describeFailure(deployment.name, error, signal);
    }
  }

  return {
    deployment,
    send: async ({ operation, headers, signal, body: sent }) => {
      const answer = await request(post(paths[operation], sent, headers), signal);
      // Destroying a body that nobody reads is an error event, which would end the process.
      const body = answer.body.on('error', () => undefined);
      if (isEncoded(answer.headers)) {
        body.destroy();
        throw new UpstreamError(
          `The deployment ${deployment.name} compressed its answer although it was asked not to. Check what is between.`,
          { status: 502, code: 'upstream_invalid' },
        );
      }
      return { status: answer.statusCode, headers: flatten(answer.headers), body };
    },
    probe: async (operation, signal) => {
      const body = JSON.stringify({ model: upstreamNameOf(deployment) });
      const answer = await request(post(paths[operation], body, {}), signal);
      await answer.body.dump();
      return answer.statusCode;
    },
  };
}

/** Never inflated: a few bytes could become any number. */
function isEncoded(headers: Dispatcher.ResponseData['headers']): boolean {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity' && encoding !== '';
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
