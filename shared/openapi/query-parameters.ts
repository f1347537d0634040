import type { Json } from './components.ts';
import type { QueryName } from './operation.ts';

/** What queries may have, by its name. */
export const QUERY: Readonly<Record<QueryName, Json>> = {
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
