import * as z from 'zod';
import { type Answer, type Call, jsonAnswer } from './answer.ts';
import { parseChatRequest, parseWith } from './chat/chat-request.ts';
import { decisionFacts } from './chat/decision-facts.ts';
import { findObstacleFor, findObstacleForText } from './chat/guards.ts';
import { findNewestAsk } from './chat/newest-ask.ts';
import { findTarget } from './chat/target.ts';
import type { Controller, RoutingDecision } from './controller.ts';
import { readControls, routingSchema } from './routing/controls.ts';
import type { Upstream } from './upstream/upstream.ts';

export const routeBatchSchema = z.strictObject({
  prompts: z
    .array(z.string().regex(/\S/, 'must not be empty'))
    .min(1)
    .max(1_000)
    .describe('Each is decided on by itself.'),
  routing: routingSchema.nullish(),
});

type RoutePromptsOptions = {
  readonly controller: Controller;
  readonly upstreams: readonly Upstream[];
  /** `id@version`. */
  readonly scorer: string;
  /** `id@version` of the calibration in force, if the scorer has one for the pair. */
  readonly calibration?: string;
};

/** The decision without the call, for one chat request or for a batch of prompts. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { controller, upstreams, scorer, calibration } = options;

  async function decide(call: Call): Promise<readonly RoutingDecision[]> {
    const { signal, caller } = call;
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts: texts, routing } = parseWith(routeBatchSchema, call.body);
      const controls = readControls(routing ?? {}, call.header, {});
      return controller.routeAll({
        texts,
        controls,
        signal,
        caller,
        findObstacle: findObstacleForText,
      });
    }
    const request = parseChatRequest(call.body);
    const target = findTarget(request.model ?? 'smart-router', 'model', upstreams);
    const controls = readControls(request.routing, call.header, target.controls);
    const text = findNewestAsk(request.messages);
    const findObstacle = findObstacleFor(request);
    return [await controller.route({ ...target, text, controls, signal, caller, findObstacle })];
  }

  return async (call) => {
    const decisions = await decide(call);
    const data = decisions.map((decision, index) => {
      const { object, ...facts } = decisionFacts(decision);
      return { object, index, ...facts };
    });
    return jsonAnswer(200, { object: 'list', scorer, ...(calibration && { calibration }), data });
  };
}
