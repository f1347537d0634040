import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { untilAborted } from '../base/deadline.ts';
import { UpstreamError } from '../base/errors.ts';
import { beginsWithError } from '../chat-format/stream-event.ts';
import type { CheckEndpoint } from './check-endpoint.ts';
import { ConnectionClient } from './connection-client.ts';
import { decodeBody } from './decode-body.ts';
import { type Deployment, operationUrl, upstreamNameOf } from './deployment.ts';
import { describeFailure } from './describe-failure.ts';
import { dispatch, type RawAnswer } from './dispatch.ts';
import type { GetToken } from './entra-token.ts';
import { type BareUpstream, protectUpstream, type UpstreamLimits } from './protect-upstream.ts';
import { createRedact, type Redact } from './redact-key.ts';
import type { Upstream, UpstreamRequest } from './upstream.ts';

/** Far more than any deployment sends. It bounds the number of headers as well. */
const MAX_HEADER_BYTES = 16 * 1024;

/** The simplest question for each operation: any model can answer it. */
const QUESTIONS = {
  'chat/completions': { messages: [{ role: 'user', content: 'Hi' }], stream: true },
  embeddings: { input: 'Hi' },
};

/**
 * Creates upstreams with one connection pool per address, which the deployments at that address
 * share. The pools have no limit of their own, so that no call waits in them unseen for another one,
 * which may hang: the deployments' slots bound the connections. There can be twice as many
 * connections for a moment, because a slot is free before its connection is.
 */
export function createUpstreams(
  getToken: GetToken,
  limits: UpstreamLimits & {
    /** Called before an upstream is created; absent: every address is allowed. */
    readonly checkEndpoint?: CheckEndpoint;
  },
): (deployment: Deployment) => Upstream {
  const pools = new Map<string, Dispatcher>();
  return (deployment) => {
    limits.checkEndpoint?.(deployment.endpoint);
    const { origin } = new URL(deployment.endpoint);
    // The request's deadline is the only limit in time; undici's own limits would only blur it.
    const options = { headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES };
    const pool = pools.get(origin) ?? new Pool(origin, { ...options, factory: createClient });
    pools.set(origin, pool);
    return protectUpstream(createBareUpstream(deployment, pool, getToken), limits);
  };
}

/** The options are those of the pool, with its connector. */
function createClient(origin: URL, options: object): ConnectionClient {
  return new ConnectionClient(origin, options as ConstructorParameters<typeof ConnectionClient>[1]);
}

function createBareUpstream(
  deployment: Deployment,
  pool: Dispatcher,
  getToken: GetToken,
): BareUpstream {
  const paths = {
    'chat/completions': pathOf(operationUrl(deployment, 'chat/completions')),
    embeddings: pathOf(operationUrl(deployment, 'embeddings')),
  };

  const authorization = authorize(deployment);
  const redactKey = createRedact(deployment.apiKey);

  async function post({
    operation,
    body,
    headers: given,
    signal,
  }: UpstreamRequest): Promise<RawAnswer & { readonly redact: Redact }> {
    try {
      // The credential waits without regard to this request's deadline.
      const token = authorization ? undefined : await untilAborted(getToken(), signal);
      const headers = {
        'content-type': 'application/json',
        // A compressed answer would have to be decoded before it is read or added to.
        'accept-encoding': 'identity',
        ...given,
        ...(authorization ?? { authorization: `Bearer ${token}` }),
      };
      const sent = { method: 'POST', path: paths[operation], headers, body } as const;
      const answer = await dispatch(pool, sent, signal);
      // Without a key the token is what some servers may repeat.
      return { ...answer, redact: token === undefined ? redactKey : createRedact(token) };
    } catch (error) {
      throw describeFailure(deployment.name, error, signal);
    }
  }

  return {
    deployment,
    send: async (request) => {
      const { status, headers, body, redact } = await post(request);
      const { 'content-encoding': encoding = '', ...others } = joined(headers);
      const decoded = encoding === '' ? body : decodeBody(body, encoding);
      if (decoded === undefined) {
        body.destroy();
        throw new UpstreamError(
          `The deployment ${deployment.name} compressed its answer in a way that the router cannot read. Check the proxies between it and the router.`,
          { status: 502, code: 'upstream_invalid' },
        );
      }
      return { status, headers: redacted(others, redact), redact, body: decoded };
    },
    ask: async (operation, signal) => {
      const body = JSON.stringify({ ...QUESTIONS[operation], model: upstreamNameOf(deployment) });
      const answer = await post({ operation, body, headers: {}, signal });
      // The rest of it is not wanted, and not paid for.
      for await (const chunk of answer.body) {
        if (answer.status === 200 && beginsWithError(Buffer.from(chunk))) return 502;
        break;
      }
      return answer.status;
    },
    probe: async (operation, signal) => {
      const body = JSON.stringify({ model: upstreamNameOf(deployment) });
      const answer = await post({ operation, body, headers: {}, signal });
      for await (const _ of answer.body);
      return answer.status;
    },
  };
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** The header that holds the deployment's key; undefined if it takes a token instead. */
function authorize({ apiStyle, apiKey }: Deployment): Record<string, string> | undefined {
  if (apiStyle === 'openai')
    return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  return apiKey === undefined ? undefined : { 'api-key': apiKey };
}

/** Changes the object given, which nobody else holds. */
function redacted(headers: Record<string, string>, redact: Redact): Record<string, string> {
  for (const name in headers) {
    const value = Buffer.from(headers[name] ?? '', 'latin1');
    const clean = redact(value);
    if (clean !== value) headers[name] = clean.toString('latin1');
  }
  return headers;
}

/** Joins headers that came several times. Changes the object given, which nobody else holds. */
function joined(headers: RawAnswer['headers']): Record<string, string> {
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) headers[name] = value.join(', ');
  }
  return headers as Record<string, string>;
}
