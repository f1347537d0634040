import * as z from 'zod';
import { type Answer, jsonAnswer } from '../base/answer.ts';
import { errorKind, type Log } from '../base/log.ts';
import { parseWith } from '../base/parse-with.ts';
import { roundMs } from '../base/round-ms.ts';
import type { Call } from '../calls/call.ts';
import { askOfText } from '../chat/chat-ask.ts';
import { type DecideOptions, decide } from '../chat/decide.ts';
import { decisionFacts } from '../chat/decision-facts.ts';
import { openRequest } from '../chat/open-request.ts';
import { readControls, routingSchema } from '../policy/controls.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import type { SimilarOutcomes } from '../vector-stores/similar-outcomes.ts';

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
  /** What is recorded of prompts; absent: nothing is. */
  readonly outcomes?: SimilarOutcomes;
  readonly log: Log;
  /** `id@version`. */
  readonly scorer: string;
  /** `id@version` of the calibration in force, if the scorer has one for the pair. */
  readonly calibration?: string;
};

/** The decision without the call, for one chat request or for a batch of prompts. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { scorer, calibration } = options;
  const { controller, getFleet, findPolicy } = options.decide;

  async function decideAll(call: Call): Promise<Decided> {
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts: texts, routing } = parseWith(routeBatchSchema, call.body);
      const fleet = getFleet();
      const { signal, caller } = call;
      const decisions = await controller.routeAll({
        asks: texts.map(askOfText),
        fleet,
        signal,
        caller,
        policy: findPolicy(fleet, call.useCase),
        controls: readControls(routing ?? {}, call.header, {}),
      });
      return { decisions, texts, explain: routing?.explain ?? false };
    }
    const opened = await openRequest(options.decide, call);
    const { decision, ask } = await decide(options.decide, opened);
    const { explain = false } = ask.request.routing;
    return { decisions: [decision], texts: [ask.text], explain: explain ?? false };
  }

  return async (call) => {
    const { decisions, texts, explain } = await decideAll(call);
    options.log('info', 'route', {
      requestId: call.requestId,
      caller: call.caller?.name,
      useCase: call.useCase,
      prompts: decisions.length,
      strong: decisions.filter(({ tier }) => tier === 'strong').length,
      totalMs: roundMs(performance.now() - call.startedAt),
    });
    const similar = explain ? await findSimilar(options, texts, call.signal) : [];
    const data = decisions.map((decision, index) => {
      const { object, ...facts } = decisionFacts(decision, explain);
      return {
        object,
        index,
        ...facts,
        ...(similar[index] !== undefined && { similar: similar[index] }),
      };
    });
    return jsonAnswer(200, { object: 'list', scorer, ...(calibration && { calibration }), data });
  };
}

type Decided = {
  readonly decisions: readonly RoutingDecision[];
  /** What was scored for each of them. */
  readonly texts: readonly (string | undefined)[];
  readonly explain: boolean;
};

/** Of so many prompts at most, each so many. */
const EXPLAINED = 20;
const SIMILAR = 5;

/** The outcomes recorded of prompts like each; they explain a decision, which stands without them. */
async function findSimilar(
  { outcomes, log }: RoutePromptsOptions,
  texts: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<unknown[]> {
  try {
    return await Promise.all(
      texts.slice(0, EXPLAINED).map(async (text) => {
        const hits = text === undefined ? [] : await outcomes?.ofText(text, SIMILAR, signal);
        // Not what was asked: that is not the caller's.
        return hits?.map(({ id, score, attributes }) => ({ id, score, outcome: attributes }));
      }),
    );
  } catch (error) {
    log('warning', 'similar-prompts-not-found', { error: errorKind(error) });
    return [];
  }
}
