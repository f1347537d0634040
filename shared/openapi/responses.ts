import * as z from 'zod';
import {
  embeddingCacheSchema,
  percentileSchema,
  reasonSchema,
  thresholdSchema,
  tierSchema,
  winRateSchema,
} from './answer-schemas.ts';
import { inlineSchema, type Json, reference } from './components.ts';
import type { Answer, ErrorStatus, HeaderKind, Operation } from './operation.ts';

// Headers and responses are written out wherever they occur: API Management reads only schemas from
// the components.

/** The headers of every answer of the router. */
const commonHeaders: Json = {
  'x-smart-router-schema': header(z.literal('1'), 'The version of these headers.'),
  'x-smart-router-request-id': header(z.string(), "The request's id in the router's log."),
  'x-request-id': header(z.string(), "The deployment's id of the request, else the router's."),
};

/** The headers of an answer after a decision. */
const decisionHeaders: Json = {
  'x-smart-router-selected-model': header(z.string(), 'The model that answered.'),
  'x-smart-router-tier': header(tierSchema),
  'x-smart-router-reason': header(reasonSchema),
  'x-smart-router-percentile': header(percentileSchema),
  'x-smart-router-win-rate': header(winRateSchema),
  'x-smart-router-threshold': header(thresholdSchema),
  'x-smart-router-scorer': header(z.string(), '`id@version`; absent if nothing was scored.'),
  'x-smart-router-embedding-cache': header(embeddingCacheSchema),
  'x-smart-router-candidates': header(
    z.string(),
    'The deployments that were considered, the strongest first: their prices in USD per million tokens, the win rate of the strongest candidate over each, and the reason why it was passed over: `strong;price=4/20;passed-over=price, weak;price=0.2/1.2;win-rate=0.2431`. Cut with `...;more=n` when it grows long.',
  ),
  'x-smart-router-attempts': header(z.int().min(0), 'The number of calls to deployments.'),
  'x-smart-router-attempt-chain': header(
    z.string(),
    'The deployments in the order in which they were called, each with its status or its error: `weak;429, strong;200`.',
  ),
  'x-smart-router-warnings': header(
    z.string(),
    'The changes to the request for the deployment: `max_tokens;renamed=max_completion_tokens`; `history;cut=12` if 12 messages of the thread were left out. Absent without changes.',
  ),
  'x-smart-router-thread': header(z.string(), 'The thread that the request continued.'),
  'x-smart-router-session': header(
    z.enum(['initialize', 'retain', 'switch']),
    'In a thread: whether its model is its first, the same as before, or another.',
  ),
  'x-smart-router-replayed': header(
    z.literal('true'),
    'In a thread: the answer is that of an earlier request with the same Idempotency-Key.',
  ),
  'x-smart-router-overhead-ms': header(
    z.number(),
    "The router's own time in milliseconds, without the deployment's.",
  ),
};

/** The headers of an error after which a request may be sent again. */
const retryHeaders: Json = {
  'retry-after': header(z.string(), 'Seconds after which to try again.'),
};

/** The headers that are passed on from the deployment, if it sends them. */
const limitHeaders: Json = {
  'x-ratelimit-remaining-requests': header(z.string(), 'The remaining requests of the limit.'),
  'x-ratelimit-remaining-tokens': header(z.string(), 'The remaining tokens of the limit.'),
};

function header(schema: z.ZodType, description = schema.description): Json {
  return { description, schema: inlineSchema(schema) };
}

const ERRORS: Readonly<Record<ErrorStatus, Json>> = {
  400: error('The request is wrong: `param` says where.', {
    message: 'messages.0.role: Invalid input: expected string, received undefined.',
    param: 'messages.0.role',
    code: 'invalid_value',
  }),
  401: error('No key was sent, or an unknown one.', {
    message: 'Access denied: send one of the keys in ROUTER_API_KEYS as api-key or as Bearer.',
    type: 'authentication_error',
    code: 'invalid_api_key',
  }),
  403: error('The caller may not use this deployment or this use case.', {
    message: 'This key may not use this deployment.',
    type: 'permission_error',
    code: 'deployment_not_allowed',
  }),
  404: error('There is no deployment of this name.', {
    message: 'There is no deployment of this name. Use smart-router, or one of: strong, weak.',
    param: 'model',
    code: 'DeploymentNotFound',
  }),
  408: error('The body did not arrive in time.', {
    message:
      'The body did not arrive in time (BODY_TIMEOUT_MS), or came too slowly. Send the request again.',
    param: 'body',
    code: 'upload_timeout',
  }),
  409: error(
    'The current state does not allow it: others keep adding to the thread, the change would leave no deployment, or no table is configured.',
    {
      message:
        'Others are adding to this thread: nothing of this request was added. Send it again.',
      code: 'thread_conflict',
    },
  ),
  412: error('The entry is not what If-Match or If-None-Match expects.', {
    message: 'The entry is not what If-Match expects: its version is 4. Read it again.',
    param: 'If-Match',
    code: 'precondition_failed',
  }),
  413: error('The body is too large.', {
    message: 'The body has 40000000 bytes; MAX_BODY_BYTES allows 33554432. Send less, or raise it.',
    param: 'body',
    code: 'body_too_large',
  }),
  415: error(
    'The body is compressed in a way that is not known, or does not say that it is JSON.',
    {
      message: 'Send the body as gzip, deflate or br, or without content-encoding.',
      param: 'content-encoding',
      code: 'unsupported_encoding',
    },
  ),
  422: error('The Idempotency-Key came with other messages before.', {
    message: 'This Idempotency-Key came with other messages before.',
    param: 'Idempotency-Key',
    code: 'idempotency_key_reused',
  }),
  429: error("A limit is reached: the deployment's, the caller's or the router's.", {
    message: 'Requests have exceeded the rate limit. Please retry after 6 seconds.',
    code: '429',
  }),
  500: error('The router failed, or the deployment did.', {
    message: 'The router failed on this request. Its log has the cause under the request id.',
    type: 'server_error',
    code: 'internal_error',
  }),
  501: error('The engine of the vector stores is not installed.', {
    message:
      'VECTOR_STORE_FILE needs SQLite with the extension sqlite-vec: run "npm install sqlite-vec".',
    type: 'server_error',
    code: 'vector_engine_missing',
  }),
  502: error('The deployment could not be reached, or its answer could not be passed on.', {
    message: 'The deployment could not be reached.',
    type: 'upstream_error',
    code: 'upstream_unreachable',
  }),
  431: error('The headers are too large.', {
    message: 'The headers are too large: send fewer or smaller ones.',
    code: 'headers_too_large',
  }),
  503: error('The deployment or the router cannot take more for now.', {
    message: 'The server is currently overloaded with other requests.',
    type: 'server_error',
    code: null,
  }),
  504: error('The deployment did not answer in time.', {
    message: 'The deployment did not answer within REQUEST_TIMEOUT_MS.',
    type: 'upstream_error',
    code: 'upstream_timeout',
  }),
};

/** The errors of all calls that need a credential. */
const CALL_ERRORS = [400, 401, 403, 429, 431, 500, 503] as const;

/** The errors of all bodies, before anything is decided. */
const BODY_ERRORS = [404, 408, 413, 415] as const;

/** The responses of an operation by status: its answers and its errors. */
export function responsesOf({ access, body, answers, errors = [] }: Operation): Json {
  const statuses: readonly ErrorStatus[] = [
    ...(access === 'open' ? ([400] as const) : CALL_ERRORS),
    ...(body ? BODY_ERRORS : []),
    ...errors,
  ];
  return {
    ...Object.fromEntries(statuses.map((status) => [status, errorResponse(status)])),
    ...Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, answerResponse(answer)]),
    ),
  };
}

function answerResponse(answer: Answer): Json {
  const { description } = answer;
  if ('schema' in answer) {
    const { schema, example, events, headers = 'common' } = answer;
    return {
      description,
      headers: headersOf(headers),
      content: {
        'application/json': { schema: reference(schema), example },
        ...(events && {
          'text/event-stream': { schema: reference(events.schema), example: events.example },
        }),
      },
    };
  }
  if (!('fileTypes' in answer)) return { description };
  const content = answer.fileTypes.map((type) => [type, { schema: reference('File') }]);
  return { description, headers: headersOf('common'), content: Object.fromEntries(content) };
}

/** Errors after a decision also have the decision's headers, which are described once, with success. */
function errorResponse(status: ErrorStatus): Json {
  const canWait = status === 409 || status === 429 || status === 503;
  return { ...ERRORS[status], headers: { ...commonHeaders, ...(canWait && retryHeaders) } };
}

function error(description: string, body: Json): Json {
  const example = { type: 'invalid_request_error', param: null, ...body };
  return {
    description,
    content: { 'application/json': { schema: reference('Error'), example: { error: example } } },
  };
}

function headersOf(kind: HeaderKind): Json {
  return {
    ...commonHeaders,
    ...(kind === 'decided' && decisionHeaders),
    ...((kind === 'passed' || kind === 'decided') && limitHeaders),
    ...(kind === 'entry' && { etag: header(z.string(), 'The version, in quotes.') }),
  };
}
