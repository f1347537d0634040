import type { Json } from './components.ts';
import {
  type Operation,
  type PathParameter,
  pathParametersOf,
  type QueryName,
} from './operation.ts';

/** The parameters of an operation, as the document lists them. */
export function parametersOf(operation: Operation): readonly Json[] {
  const { path, access, isRouted, isConditional, isIdempotent, query = [] } = operation;
  return [
    ...pathParametersOf(path).map((name) => PATH[name]),
    ...(access === 'key' ? [API_VERSION] : []),
    ...query.map((name) => QUERY[name]),
    ...(isConditional ? CONDITIONS : []),
    ...(isIdempotent ? [IDEMPOTENCY_KEY] : []),
    ...(isRouted ? ROUTING_HEADERS : []),
  ];
}

const PATH: Readonly<Record<PathParameter, Json>> = {
  deployment: {
    name: 'deployment',
    in: 'path',
    required: true,
    description: '`smart-router`, or the name of a deployment.',
    schema: { type: 'string' },
    example: 'smart-router',
  },
  name: {
    name: 'name',
    in: 'path',
    required: true,
    description: 'The name of the entry, or of the file.',
    schema: { type: 'string' },
    example: 'middle',
  },
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of the thread, of the vector store, or of the request.',
    schema: { type: 'string' },
    example: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  },
  item: {
    name: 'item',
    in: 'path',
    required: true,
    description: 'The id of the embedding.',
    schema: { type: 'string' },
    example: 'leave',
  },
};

const QUERY: Readonly<Record<QueryName, Json>> = {
  user: {
    name: 'user',
    in: 'query',
    description: "The caller's user. Threads of other users are not found.",
    schema: { type: 'string' },
    example: 'ada',
  },
  limit: {
    name: 'limit',
    in: 'query',
    description: 'The number of entries. Default: 20.',
    schema: { type: 'integer', minimum: 1, maximum: 100 },
  },
  after: {
    name: 'after',
    in: 'query',
    description: 'The id after which the list continues.',
    schema: { type: 'string' },
  },
  before: {
    name: 'before',
    in: 'query',
    description: 'The id before which the list ends.',
    schema: { type: 'string' },
  },
  order: {
    name: 'order',
    in: 'query',
    description: 'The order by the time of creation.',
    schema: { type: 'string', enum: ['asc', 'desc'], default: 'desc' },
  },
  from: {
    name: 'from',
    in: 'query',
    description: 'The start of the time range, included: ISO 8601, or seconds since 1970.',
    schema: { type: 'string' },
    example: '2026-11-27T00:00:00Z',
  },
  to: {
    name: 'to',
    in: 'query',
    description: 'The end of the time range, excluded.',
    schema: { type: 'string' },
    example: '2026-11-28T00:00:00Z',
  },
  use_case: {
    name: 'use_case',
    in: 'query',
    description: 'Only entries of this use case.',
    schema: { type: 'string' },
  },
  deployment: {
    name: 'deployment',
    in: 'query',
    description: 'Only entries of this deployment.',
    schema: { type: 'string' },
  },
  tier: {
    name: 'tier',
    in: 'query',
    description: 'Only entries of this tier.',
    schema: { type: 'string' },
  },
  reason: {
    name: 'reason',
    in: 'query',
    description: 'Only entries with this reason.',
    schema: { type: 'string' },
  },
  by: {
    name: 'by',
    in: 'query',
    description: 'The grouping of the sums.',
    schema: {
      type: 'string',
      enum: ['use_case', 'deployment', 'hour', 'five_minutes'],
      default: 'use_case',
    },
  },
  caller: {
    name: 'caller',
    in: 'query',
    description: 'Only entries of this caller.',
    schema: { type: 'string' },
  },
  dry_run: {
    name: 'dry_run',
    in: 'query',
    description: 'True: the request is checked, but nothing is written.',
    schema: { type: 'boolean' },
  },
  probe: {
    name: 'probe',
    in: 'query',
    description:
      'True, with dry_run: one tiny request is sent to the deployment, and its result is reported.',
    schema: { type: 'boolean' },
  },
};

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A request that is sent again with the same key adds nothing to a thread twice, and has the same answer again.',
  schema: { type: 'string', maxLength: 256 },
  example: '0f6f2c1e',
};

const CONDITIONS: readonly Json[] = [
  {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag that the entry must have, or * for any; otherwise the answer is a 412.',
    schema: { type: 'string' },
    example: '"3"',
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: '*: the entry must not exist.',
    schema: { type: 'string' },
    example: '*',
  },
];

const API_VERSION: Json = {
  name: 'api-version',
  in: 'query',
  description: 'Sent by Azure OpenAI clients; ignored.',
  schema: { type: 'string' },
  example: '2024-10-21',
};

const share: Json = { type: 'number', minimum: 0, maximum: 1 };

const ROUTING_HEADERS: readonly Json[] = [
  {
    name: 'x-smart-router-thread',
    in: 'header',
    description: 'The thread that the request continues. A different `thread_id` is an error.',
    schema: { type: 'string' },
    example: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  },
  {
    name: 'X-USE_CASE',
    in: 'header',
    description:
      'Names the kind of work in the log: up to 64 letters, digits and `_.:-`; other names are ignored. `x-use-case` is read as well.',
    schema: { type: 'string' },
    example: 'support',
  },
  {
    name: 'x-smart-router-threshold',
    in: 'header',
    description:
      'The threshold of this request. `routing` in the body goes first. Not allowed together with the strong share.',
    schema: share,
    example: 0.3,
  },
  {
    name: 'x-smart-router-strong-share',
    in: 'header',
    description: 'The strong share of this request. `routing` in the body goes first.',
    schema: share,
    example: 0.2,
  },
];
