import * as z from 'zod';
import { type Answer, type Call, jsonAnswer } from './answer.ts';
import { parseChatRequest, parseWith } from './chat/chat-request.ts';
import { decisionFacts } from './chat/decision-facts.ts';
import { needsOf, needsOfText } from './chat/guards.ts';
import { findNewestAsk } from './chat/newest-ask.ts';
import { findTarget } from './chat/target.ts';
import type { Controller } from './controller.ts';
import type { Fleet } from './registry/fleet.ts';
import { readControls, routingSchema } from './routing/controls.ts';
import type { RoutingDecision } from './routing-decision.ts';
import type { FindPolicy } from './use-case-policy.ts';

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
  readonly getFleet: () => Fleet;
  readonly findPolicy: FindPolicy;
  /** `id@version`. */
  readonly scorer: string;
  /** `id@version` of the calibration in force, if the scorer has one for the pair. */
  readonly calibration?: string;
};

/** The decision without the call, for one chat request or for a batch of prompts. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { controller, getFleet, findPolicy, scorer, calibration } = options;

  async function decide(call: Call): Promise<readonly [readonly RoutingDecision[], boolean]> {
    const fleet = getFleet();
    const { signal, caller } = call;
    const terms = { fleet, signal, caller, policy: findPolicy(fleet, call.useCase) };
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts: texts, routing } = parseWith(routeBatchSchema, call.body);
      const controls = readControls(routing ?? {}, call.header, {});
      const batch = { ...terms, texts, controls, needsOf: needsOfText };
      return [await controller.routeAll(batch), routing?.explain ?? false];
    }
    const request = parseChatRequest(call.body);
    const { named, ...target } = findTarget(request.model ?? 'smart-router', 'model', fleet);
    const decision = await controller.route({
      ...terms,
      text: findNewestAsk(request.messages),
      controls: readControls(request.routing, call.header, target.controls),
      needs: needsOf(request),
      ...(named && { named }),
    });
    return [[decision], request.routing.explain ?? false];
  }

  return async (call) => {
    const [decisions, explain] = await decide(call);
    const data = decisions.map((decision, index) => {
      const { object, ...facts } = decisionFacts(decision, explain);
      return { object, index, ...facts };
    });
    return jsonAnswer(200, { object: 'list', scorer, ...(calibration && { calibration }), data });
  };
}
