import * as z from 'zod';
import { type AskRouter, RouterError } from './ask-router.ts';

const outcomeSchema = z.object({
  verdict: z.enum(['good', 'bad', 'tie']).optional(),
  score: z.number().min(0).max(1).optional(),
  compared_with: z.string().optional(),
});

/** One decision as `GET /llm/decisions` lists it, reduced to the fields that are used. */
const decisionSchema = z.object({
  request_id: z.string(),
  use_case: z.string().optional(),
  selected_model: z.string().optional(),
  strong_model: z.string().optional(),
  tier: z.string().optional(),
  win_rate: z.number().min(0).max(1).nullish(),
  percentile: z.number().min(0).max(1).nullish(),
  threshold: z.number().nullish(),
  scorer: z.string().nullish(),
  scorer_strong: z.string().optional(),
  scorer_weak: z.string().optional(),
  cost: z.number().optional(),
  cost_strong: z.number().optional(),
  prompt: z.string().optional(),
  outcomes: z.array(outcomeSchema).default([]),
});

const pageSchema = z.object({
  data: z.array(decisionSchema),
  has_more: z.boolean().default(false),
});

export type Decision = z.infer<typeof decisionSchema>;
export type DecisionOutcome = z.infer<typeof outcomeSchema>;

type Query = {
  /** The largest number of decisions to read; the newest are read first. */
  readonly limit: number;
  /** Filters of the route's own query: `from`, `to`, `use_case` and so on. */
  readonly where?: Readonly<Record<string, string>>;
};

const PAGE_SIZE = 100;

/**
 * Reads the decisions of a running router, the newest first, page by page. It ends at the limit,
 * even if the router has more. Throws a RouterError.
 */
export async function* readDecisions(
  ask: AskRouter,
  { limit, where = {} }: Query,
): AsyncGenerator<Decision> {
  const query = new URLSearchParams(where);
  const seen = new Set<string>();
  let left = limit;
  while (left > 0) {
    query.set('limit', String(Math.min(PAGE_SIZE, left)));
    const page = pageSchema.safeParse(await ask('GET', `/decisions?${query}`));
    if (!page.success)
      throw new RouterError('The router does not answer with a list of decisions.');
    const { data, has_more: hasMore } = page.data;
    yield* data.slice(0, left);
    left -= data.length;
    if (!hasMore) return;
    const after = data.at(-1)?.request_id;
    if (after === undefined || seen.has(after)) {
      throw new RouterError(
        `The router has more decisions after the first ${limit - left}, but gives no cursor to continue with.`,
      );
    }
    seen.add(after);
    query.set('after', after);
  }
}
