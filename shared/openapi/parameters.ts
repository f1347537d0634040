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
    description: "The caller's user: a thread of another one is not found.",
    schema: { type: 'string' },
    example: 'ada',
  },
  limit: {
    name: 'limit',
    in: 'query',
    description: 'How many; 20 unless given.',
    schema: { type: 'integer', minimum: 1, maximum: 100 },
  },
  after: {
    name: 'after',
    in: 'query',
    description: 'The id behind which to go on.',
    schema: { type: 'string' },
  },
  before: {
    name: 'before',
    in: 'query',
    description: 'The id before which to end.',
    schema: { type: 'string' },
  },
  order: {
    name: 'order',
    in: 'query',
    description: 'By the time at which they were created.',
    schema: { type: 'string', enum: ['asc', 'desc'], default: 'desc' },
  },
  from: {
    name: 'from',
    in: 'query',
    description: 'From this time on: ISO 8601, or seconds since 1970.',
    schema: { type: 'string' },
    example: '2026-11-27T00:00:00Z',
  },
  to: {
    name: 'to',
    in: 'query',
    description: 'Before this time.',
    schema: { type: 'string' },
    example: '2026-11-28T00:00:00Z',
  },
  use_case: {
    name: 'use_case',
    in: 'query',
    description: 'Of it alone.',
    schema: { type: 'string' },
  },
  deployment: {
    name: 'deployment',
    in: 'query',
    description: 'By it alone.',
    schema: { type: 'string' },
  },
  tier: { name: 'tier', in: 'query', description: 'Of it alone.', schema: { type: 'string' } },
  reason: { name: 'reason', in: 'query', description: 'For it alone.', schema: { type: 'string' } },
  by: {
    name: 'by',
    in: 'query',
    description: 'What to tell apart.',
    schema: {
      type: 'string',
      enum: ['use_case', 'deployment', 'hour', 'five_minutes'],
      default: 'use_case',
    },
  },
  caller: { name: 'caller', in: 'query', description: 'Of it alone.', schema: { type: 'string' } },
  dry_run: {
    name: 'dry_run',
    in: 'query',
    description: 'True: it is checked, and nothing is written.',
    schema: { type: 'boolean' },
  },
  probe: {
    name: 'probe',
    in: 'query',
    description: 'True, with dry_run: one tiny request is sent, and what came back reported.',
    schema: { type: 'boolean' },
  },
};

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Of a thread: a request that is sent again with the same one adds nothing twice, and has the answer that it had.',
  schema: { type: 'string', maxLength: 256 },
  example: '0f6f2c1e',
};

const CONDITIONS: readonly Json[] = [
  {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag that the entry must have, or * for any: else 412.',
    schema: { type: 'string' },
    example: '"3"',
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: '*: there must be no such entry.',
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
    description: 'The thread that the request continues; excludes another `thread_id`.',
    schema: { type: 'string' },
    example: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  },
  {
    name: 'X-USE_CASE',
    in: 'header',
    description:
      'Names the kind of work in the log: up to 64 letters, digits and `_.:-`; what is no such name is left out. `x-use-case` is read as well.',
    schema: { type: 'string' },
    example: 'support',
  },
  {
    name: 'x-smart-router-threshold',
    in: 'header',
    description: 'The threshold of this request. `routing` in the body wins; excludes the share.',
    schema: share,
    example: 0.3,
  },
  {
    name: 'x-smart-router-strong-share',
    in: 'header',
    description: 'The strong share of this request. `routing` in the body wins.',
    schema: share,
    example: 0.2,
  },
];
