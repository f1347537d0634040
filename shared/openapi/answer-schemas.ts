import * as z from 'zod';
import type { RoutingDecision } from '../controller.ts';
import type { Readiness } from '../readiness.ts';

// What the router answers. Deployments' answers pass through: their fields are described as far as
// clients rely on them, and all others are let through here too.

// A record of each: a value that is added to the type and not here does not compile.
const tiers: Record<RoutingDecision['tier'], string> = {
  strong: 'the strong model',
  weak: 'the weak model',
  direct: 'the deployment that the request names, without routing',
};

const reasons: Record<RoutingDecision['reason'], string> = {
  'win-rate': 'the win rate was compared with the threshold',
  'out-of-distribution': "the prompt is unlike the scorer's training data",
  deployment: 'the request names the deployment',
  models: '`routing.models`, or what the caller may have, left one deployment',
  requirements: 'one deployment can serve the request: the others lack what it needs',
  fallback: 'another deployment answered, because the chosen one could not',
  'no-text': 'there is nothing to score, such as images alone',
  'embedding-unavailable': 'the prompt could not be embedded',
  'scorer-unavailable': 'the scorer failed',
};

const embeddingCaches: Record<RoutingDecision['embeddingCache'], string> = {
  hit: "the prompt's embedding was kept from before",
  miss: 'it was made anew',
  none: 'nothing was embedded, or by the local embedder, which needs no cache',
};

const states: Record<Readiness['tables']['state'], string> = {
  ok: 'answers',
  unauthorized: "refuses the router's credential",
  'not-found': 'is not there',
  failing: 'answers with errors',
  unreachable: 'does not answer',
  'not-used': 'is not configured',
};

const circuits: Record<Readiness['deployments'][number]['circuit'], string> = {
  closed: 'it is called',
  open: 'it failed several times in a row and is left alone',
  'half-open': 'the next call tries whether it has come back',
};

const statuses: Record<Readiness['status'], string> = {
  ready: 'all is well',
  degraded: 'every request is answered, worse or slower than it could be',
  unavailable: 'no deployment can answer',
};

export const tierSchema = choice(tiers);
export const reasonSchema = choice(reasons);
export const embeddingCacheSchema = choice(embeddingCaches);
export const winRateSchema = z
  .number()
  .min(0)
  .max(1)
  .describe('Of the strong over the weak model, as predicted; absent when nothing was scored.');
export const thresholdSchema = z
  .number()
  .min(0)
  .describe('Strong at or above it. Slightly above 1 where nothing is to go to the strong model.');

export const healthSchema = z.object({ status: z.literal('online') });

const stateSchema = choice(states);
const circuitSchema = choice(circuits);

export const readinessSchema = z.object({
  status: choice(statuses),
  scorer: z.object({ state: stateSchema, name: z.string().describe('`id@version`.') }),
  embeddings: z.object({
    state: stateSchema,
    embedder: z.string(),
    circuit: circuitSchema.exactOptional(),
  }),
  tables: z.object({ state: stateSchema }),
  deployments: z.array(
    z.object({
      name: z.string(),
      state: stateSchema,
      circuit: circuitSchema,
      resting_ms: z
        .number()
        .exactOptional()
        .describe('What is left of the pause that it asked for with a 429; absent without one.'),
      in_flight: z.int().describe('Calls under way, until their answers have ended.'),
      queued: z.int().describe('Calls that wait for one of those to end.'),
    }),
  ),
}) satisfies z.ZodType<Readiness>;

/** The router's own errors have all four members; a deployment's may lack some and have others. */
export const errorSchema = z.looseObject({
  error: z.looseObject({
    message: z.string().describe('What was wrong, and what to do.'),
    type: z.string().nullish(),
    param: z.string().nullish().describe('The field, header or path parameter that is wrong.'),
    code: z.string().nullish(),
  }),
});

export const routingDecisionSchema = z.object({
  object: z.literal('routing.decision'),
  index: z.int().optional().describe('Of the prompt; absent in the answer of a chat completion.'),
  win_rate: winRateSchema.optional(),
  percentile: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("The share of the calibration's prompts with a lower win rate."),
  threshold: thresholdSchema.optional(),
  tier: tierSchema,
  selected_model: z.string(),
  deployment: z.string(),
  reason: reasonSchema,
  distance: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe("From the scorer's training data; absent when the scorer does not know it."),
});

export const routingDecisionsSchema = z.object({
  object: z.literal('list'),
  scorer: z.string().describe('`id@version`.'),
  calibration: z.string().optional().describe('`id@version`; absent when there is none.'),
  data: z.array(routingDecisionSchema).describe('In the order of the prompts.'),
});

const usageSchema = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});

const modelSelectionDetailsSchema = z
  .object({
    model_router_details: z.object({
      mode: z.string().optional().describe('The mode that the request asked for.'),
      routing_trace: z.array(
        z.object({
          latency_ms: z.int().describe('What deciding took.'),
          attempts: z.array(
            z.object({
              model: z.string(),
              result: z.object({
                status: z.int(),
                error: z.object({ code: z.string(), message: z.string() }).optional(),
              }),
            }),
          ),
        }),
      ),
    }),
  })
  .describe(
    "The attempts in the shape of Microsoft Foundry's model router, with `routing.explain` or its header `Foundry-Features: ModelRouterControls=V1Preview`.",
  );

export const chatCompletionSchema = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int().describe('Seconds since 1970.'),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.int(),
      message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: usageSchema.optional(),
  response: z.string().nullable().describe("The first choice's text; null when it has none."),
  selected_model: z.string().describe('The model that answered.'),
  routing: routingDecisionSchema.optional(),
  model_selection_details: modelSelectionDetailsSchema.optional(),
});

export const chatCompletionChunkSchema = z
  .looseObject({
    id: z.string(),
    object: z.string(),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        delta: z.looseObject({}),
        finish_reason: z.string().nullish(),
      }),
    ),
    usage: usageSchema.nullish(),
  })
  .describe(
    'The data of one event, as the deployment sent it. The last event is `[DONE]`; a stream that breaks ends with an event of the schema Error instead.',
  );

export const embeddingsListSchema = z.looseObject({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.looseObject({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.looseObject({ prompt_tokens: z.int(), total_tokens: z.int() }).optional(),
});

export const modelListSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      id: z.string(),
      object: z.literal('model'),
      created: z.int(),
      owned_by: z.string(),
    }),
  ),
});

export const documentSchema = z
  .looseObject({ openapi: z.string(), paths: z.looseObject({}) })
  .describe('This document.');

/** An enumeration whose description says what each value means. */
function choice<Value extends string>(meanings: Readonly<Record<Value, string>>) {
  const values = Object.keys(meanings) as Value[];
  const text = values.map((value) => `\`${value}\`: ${meanings[value]}`).join('; ');
  return z.enum(values).describe(`${text}.`);
}
