import * as z from 'zod';
import { type Answer, type Call, jsonAnswer } from './answer.ts';
import { parseChatRequest, parseWith } from './chat/chat-request.ts';
import { decisionFacts } from './chat/decision-facts.ts';
import { findNewestAsk } from './chat/newest-ask.ts';
import { findTarget } from './chat/target.ts';
import type { Controller, RouteRequest } from './controller.ts';
import { readControls, routingSchema } from './routing/controls.ts';
import type { Upstream } from './upstream/upstream.ts';

const batchSchema = z.strictObject({
  prompts: z.array(z.string().regex(/\S/, 'must not be empty')).min(1).max(1_000),
  routing: routingSchema.nullish(),
});

/** Enough to keep an embedding deployment busy, too few to run into its rate limit at once. */
const CONCURRENCY = 8;

type Shared = Omit<RouteRequest, 'text'>;

type RoutePromptsOptions = {
  readonly controller: Controller;
  readonly upstreams: readonly Upstream[];
  /** `id@version`. */
  readonly scorer: string;
  /** The id of the calibration in force, if the scorer has one for the pair. */
  readonly calibration?: string;
};

/** The decision without the call, for one chat request or for a batch of prompts. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { controller, upstreams, scorer, calibration } = options;

  /** What to score, and how; a batch shares it. */
  function readAsks(call: Call): { texts: (string | undefined)[]; shared: Shared } {
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts, routing } = parseWith(batchSchema, call.body);
      const controls = readControls(routing ?? {}, call.header, {});
      return { texts: prompts, shared: { controls, signal: call.signal } };
    }
    const request = parseChatRequest(call.body);
    const target = findTarget(request.model ?? 'smart-router', 'model', upstreams);
    const controls = readControls(request.routing, call.header, target.controls);
    return {
      texts: [findNewestAsk(request.messages)],
      shared: { ...target, controls, signal: call.signal },
    };
  }

  return async (call) => {
    const { texts, shared } = readAsks(call);
    const data = await mapConcurrently(texts, async (text, index) => {
      const { object, ...facts } = decisionFacts(await controller.route({ text, ...shared }));
      return { object, index, ...facts };
    });
    return jsonAnswer(200, { object: 'list', scorer, ...(calibration && { calibration }), data });
  };
}

async function mapConcurrently<T, R>(
  items: readonly T[],
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  async function work(): Promise<void> {
    for (const [index, item] of entries) results[index] = await map(item, index);
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, work));
  return results;
}
