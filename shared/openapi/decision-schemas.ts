import * as z from 'zod';
import { embeddingCacheSchema, reasonSchema, tierSchema } from './answer-schemas.ts';

const seconds = z.int().describe('Seconds since 1970.');
const usd = z.number().min(0);

export const outcomeAnswerSchema = z.object({
  id: z.string().optional(),
  object: z.enum(['outcome']),
  request_id: z.string().optional(),
  created_at: seconds,
  source: z.enum(['user', 'judge', 'system']),
  verdict: z.enum(['good', 'bad', 'tie']).optional(),
  score: z.number().min(0).max(1).optional(),
  comment: z.string().optional(),
});

export const decisionListSchema = z.object({
  object: z.enum(['list']),
  data: z.array(
    z.looseObject({
      object: z.enum(['decision']),
      request_id: z.string().describe('For `after`, and for outcomes.'),
      created_at: seconds.describe('Of the answer.'),
      caller: z.string().optional(),
      use_case: z.string().optional(),
      thread_id: z.string().optional(),
      deployment: z.string(),
      selected_model: z.string(),
      tier: tierSchema,
      reason: reasonSchema,
      win_rate: z.number().optional(),
      percentile: z.number().optional(),
      threshold: z.number().optional(),
      embedding_cache: embeddingCacheSchema,
      attempts: z.string(),
      stream: z.boolean(),
      status: z.int(),
      prompt_tokens: z.number().optional(),
      completion_tokens: z.number().optional(),
      cost: usd.optional().describe('USD of the answer.'),
      cost_strong: usd.optional().describe('Of as many tokens, with the strongest candidate.'),
      cost_weak: usd.optional().describe('The same with the cheapest one.'),
      overhead_ms: z.number().describe("The router's own time."),
      total_ms: z.number(),
      outcomes: z.array(outcomeAnswerSchema),
    }),
  ),
  has_more: z.boolean(),
});
