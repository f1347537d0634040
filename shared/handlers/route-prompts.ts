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
import type { Ask } from '../routing/ask.ts';
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
  /** The recorded outcomes of prompts; absent: none are kept. */
  readonly outcomes?: SimilarOutcomes;
  readonly log: Log;
  /** The scorer as `id@version`. */
  readonly scorer: string;
  /** The calibration in force as `id@version`, if the scorer has one for the pair of models. */
  readonly calibration?: string;
};

/** Decides on one chat request or a batch of prompts without calling a deployment. */
export function createRoutePrompts(options: RoutePromptsOptions): (call: Call) => Promise<Answer> {
  const { scorer, calibration } = options;
  const { controller, getFleet, findPolicy } = options.decide;

  async function decideAll(call: Call): Promise<Decided> {
    if (typeof call.body === 'object' && call.body !== null && 'prompts' in call.body) {
      const { prompts, routing } = parseWith(routeBatchSchema, call.body);
      const asks = prompts.map(askOfText);
      const fleet = getFleet();
      const { signal, caller } = call;
      const decisions = await controller.routeAll({
        asks,
        fleet,
        signal,
        caller,
        useCase: call.useCase,
        policy: findPolicy(fleet, call.useCase),
        controls: readControls(routing ?? {}, call.header, {}),
      });
      return { decisions, asks, explain: routing?.explain ?? false };
    }
    const opened = await openRequest(options.decide, call);
    const { decision, ask } = await decide(options.decide, opened);
    const explain = ask.request.routing.explain ?? false;
    return { decisions: [decision], asks: [ask], explain };
  }

  return async (call) => {
    const { decisions, asks, explain } = await decideAll(call);
    options.log('info', 'route', {
      requestId: call.requestId,
      caller: call.caller?.name,
      useCase: call.useCase,
      prompts: decisions.length,
      strong: decisions.filter(({ tier }) => tier === 'strong').length,
      totalMs: roundMs(performance.now() - call.startedAt),
    });
    const similar = explain ? await findSimilar(options, asks, call.signal) : [];
    const data = decisions.map((decision, index) => {
      const { object, ...facts } = decisionFacts(decision, explain ? asks[index] : undefined);
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
  /** The ask of each decision. */
  readonly asks: readonly Ask[];
  readonly explain: boolean;
};

/** The most prompts that are explained in a batch. */
const EXPLAINED = 20;
/** The most similar prompts in an explanation. */
const SIMILAR = 5;

/**
 * Finds the recorded outcomes of similar prompts. A failure is only logged, since decisions do not depend
 * on them.
 */
async function findSimilar(
  { outcomes, log }: RoutePromptsOptions,
  asks: readonly Ask[],
  signal: AbortSignal,
): Promise<unknown[]> {
  try {
    return await Promise.all(
      asks.slice(0, EXPLAINED).map(async (ask) => {
        const found = ask.found();
        const hits = found && (await outcomes?.ofText(found.text, SIMILAR, signal));
        // The texts of the prompts are left out: they may be those of other callers.
        return hits?.map(({ id, score, attributes }) => ({ id, score, outcome: attributes }));
      }),
    );
  } catch (error) {
    log('warning', 'similar-prompts-not-found', { error: errorKind(error) });
    return [];
  }
}
