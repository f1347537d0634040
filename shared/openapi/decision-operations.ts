import type { Operation } from './operation.ts';

const ID = '4317b3a6-e099-4b51-9393-5008cd0d2171.mr3k2x9c.Zk3vT1x9QmPq0aLw';

const outcome = {
  object: 'outcome',
  created_at: 1_795_700_100,
  source: 'user',
  verdict: 'good',
};

const decision = {
  object: 'decision',
  request_id: ID,
  created_at: 1_795_700_000,
  use_case: 'support',
  deployment: 'weak',
  selected_model: 'gpt-5.6-luna',
  tier: 'weak',
  reason: 'win-rate',
  win_rate: 0.21,
  threshold: 0.35,
  embedding_cache: 'none',
  attempts: 'weak;200',
  stream: false,
  status: 200,
  prompt_tokens: 120,
  completion_tokens: 40,
  cost: 0.000072,
  cost_strong: 0.00128,
  cost_weak: 0.000072,
  ...{
    strong_model: 'gpt-5.6-sol',
    scorer_strong: 'gpt-4-1106-preview',
    scorer_weak: 'mixtral-8x7b',
  },
  overhead_ms: 1.4,
  embedding_ms: 0.3,
  scoring_ms: 0.2,
  upstream_ms: 811.1,
  total_ms: 812.5,
  outcomes: [outcome],
};

const candidates = [
  {
    deployment: 'strong',
    model: 'gpt-5.6-sol',
    tier: 'strong',
    price: { input: 4, output: 20 },
    estimated_cost: 0.0106,
    passed_over: 'price',
  },
  {
    deployment: 'weak',
    model: 'gpt-5.6-luna',
    tier: 'weak',
    win_rate: 0.21,
    price: { input: 0.2, output: 1.2 },
    estimated_cost: 0.0006,
    passed_over: null,
  },
];

const milliseconds = { p50: 810, p90: 1_900, p99: 4_200 };

const sums = {
  requests: 1_200,
  errors: 3,
  fallbacks: 1,
  strong_share: 0.31,
  strong_share_foreseen: { requests: 1_100, strong_share: 0.31, foreseen: 0.3 },
  prompt_tokens: 144_000,
  completion_tokens: 48_000,
  cached_tokens: 0,
  ...{
    cost: 0.52,
    cost_compared: 0.52,
    cost_always_strong: 1.54,
    cost_always_weak: 0.09,
    savings: 1.02,
  },
  savings_share: 0.66,
  cache_hit_rate: 0.4,
  drift: 0.04,
  embedding_cache: { hits: 480, misses: 720, saved_ms: 14_400 },
  compared: [
    {
      win_rate: 0.21,
      requests: 40,
      strong: 0,
      priced: 40,
      cost_strong: 0.05,
      cost_weak: 0.003,
    },
  ],
  thresholds: [{ threshold: 0.35, requests: 1_100 }],
  win_rate_histogram: Array.from({ length: 20 }, (_, bin) => (bin < 12 ? 100 : 0)),
  total_ms: milliseconds,
  overhead_ms: { p50: 1.4, p90: 2.3, p99: 6 },
  embedding_ms: { p50: 30, p90: 45, p99: 90 },
  upstream_ms: milliseconds,
  first_token_ms: milliseconds,
  quality: {
    outcomes: 200,
    bad: 8,
    strong_would_have_won_at_least: 0.023,
    strong_would_have_won_at_most: 0.07,
  },
};

/** Decisions, their statistics, and the outcomes of answers. */
export const decisionOperations = {
  'list-decisions': {
    access: 'admin',
    tag: 'decisions',
    method: 'GET',
    path: '/llm/decisions',
    summary: 'List decisions',
    description:
      'The newest first, with their outcomes. A decision appears some seconds after its answer. Answers are not kept, and prompts only with `LOG_CONTENT`.',
    query: ['limit', 'after', 'from', 'to', 'use_case', 'deployment', 'tier', 'reason', 'caller'],
    answers: {
      200: {
        description: 'Decisions.',
        schema: 'DecisionList',
        example: { object: 'list', data: [decision], has_more: false },
      },
    },
    errors: [409],
  },
  'get-decision': {
    access: 'admin',
    tag: 'decisions',
    method: 'GET',
    path: '/llm/decisions/{id}',
    summary: 'Get a decision',
    description:
      'By the `x-smart-router-request-id` of the answer, with the deployments that were considered.',
    answers: {
      200: {
        description: 'The decision.',
        schema: 'Decision',
        example: { ...decision, candidates },
      },
    },
    errors: [404, 409],
  },
  stats: {
    access: 'admin',
    tag: 'decisions',
    method: 'GET',
    path: '/llm/stats',
    summary: 'Costs and savings',
    description:
      'The sums of a time range (default: the last day) by use case, deployment, hour or five minutes, and of all together. Time ranges are rounded to whole hours, or to whole five minutes for six hours or less.',
    query: ['from', 'to', 'by', 'use_case', 'deployment'],
    answers: {
      200: {
        description: 'The sums.',
        schema: 'Stats',
        example: {
          object: 'stats',
          by: 'use_case',
          data: [{ key: 'support', ...sums }],
          total: { key: null, ...sums },
        },
      },
    },
    errors: [409],
  },
  'add-outcome': {
    access: 'key',
    tag: 'decisions',
    method: 'POST',
    path: '/llm/outcomes',
    summary: 'Say how good an answer was',
    description:
      'By a verdict or a score, immediately or later. With the same Idempotency-Key the first answer is given again.',
    isIdempotent: true,
    body: { schema: 'Outcome', example: { request_id: ID, verdict: 'good' } },
    answers: {
      201: {
        description: 'The outcome is kept.',
        schema: 'OutcomeAnswer',
        example: { id: 'outcome_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f', ...outcome, request_id: ID },
      },
    },
    errors: [409],
  },
} satisfies Readonly<Record<string, Operation>>;
