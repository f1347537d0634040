import * as z from 'zod';
import { type Answer, type Call, jsonAnswer } from './answer.ts';
import { parseWith } from './chat/chat-request.ts';
import { type DecideOptions, decide, openRequest } from './chat/decide.ts';
import { decisionFacts } from './chat/decision-facts.ts';
import { needsOfText } from './chat/guards.ts';
import { readControls, routingSchema } from './routing/controls.ts';
import type { RoutingDecision } from './routing-decision.ts';

export const routeBatchSchema = z.strictObject({
  prompts: z
    .array(z.string().regex(/\S/, 'must not be empty'))
    .min(1)
    .max(1_000)
    .describe('Each is decided on by itself.'),
  routing: routingSchema.nullish(),
});

type RoutePromptsOptions = {
  readonly decide: DecideOptions;
  /** `id@version`. */
  readonly scorer: string;
  /** `id@version` of the calibration in force, if the scorer has one for the pair. */
  readonly calibration?: string;
};

/** The decision without the call, for one chat request or for a batch of prompts. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { scorer, calibration } = options;
  const { controller, getFleet, findPolicy } = options.decide;

  async function decideAll(call: Call): Promise<readonly [readonly RoutingDecision[], boolean]> {
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts: texts, routing } = parseWith(routeBatchSchema, call.body);
      const fleet = getFleet();
      const { signal, caller } = call;
      const decisions = await controller.routeAll({
        ...{ texts, fleet, signal, caller, needsOf: needsOfText },
        policy: findPolicy(fleet, call.useCase),
        controls: readControls(routing ?? {}, call.header, {}),
      });
      return [decisions, routing?.explain ?? false];
    }
    const opened = await openRequest(options.decide, call);
    const { decision } = await decide(options.decide, opened);
    return [[decision], opened.request.routing.explain ?? false];
  }

  return async (call) => {
    const [decisions, explain] = await decideAll(call);
    const data = decisions.map((decision, index) => {
      const { object, ...facts } = decisionFacts(decision, explain);
      return { object, index, ...facts };
    });
    return jsonAnswer(200, { object: 'list', scorer, ...(calibration && { calibration }), data });
  };
}
