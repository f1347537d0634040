import type { Log } from '../base/log.ts';
import { roundMs } from '../base/round-ms.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import type { Outcome } from '../decisions/outcome-record.ts';
import { type Fleet, isCalled, type Member } from '../registry/fleet.ts';
import type { ShadowSettings } from '../settings/read-shadow-settings.ts';
import { costOf } from '../spending/cost.ts';
import { canBeAsked } from '../upstream/upstream.ts';
import { askPlainly } from './ask-plainly.ts';
import type { Exchange } from './exchange.ts';
import { compare, type Preference } from './judge.ts';

/** Compares answers of weaker models with what the strongest would have answered. */
export type Shadow = {
  /** Whether the answer to this request will be compared. It has to be asked before the answer is read. */
  wants(exchange: Exchange): boolean;
  /** Compares an answer. Throws if the strongest model or the judge does not answer. */
  compare(exchange: Exchange, answer: string): Promise<void>;
};

type ShadowOptions = {
  readonly settings: ShadowSettings;
  readonly getFleet: () => Fleet;
  readonly budget: {
    /** Gives the USD that all instances have spent today. */
    readonly spentToday: () => number;
    readonly spend: (usd: number) => void;
  };
  readonly addOutcome: (outcome: Outcome, comparedWith: string) => Promise<void>;
  readonly maxAnswerBytes: number;
  readonly timeoutMs: number;
  readonly log: Log;
  /** Gives a number from 0 to 1, below 1. */
  readonly random?: () => number;
};

/** Comparisons under way in an instance: the requests that clients wait for come first. */
const MAX_UNDER_WAY = 4;

/** The assumed completion of a judge's request, in tokens, and the number of requests for one comparison. */
const JUDGE = { completion: 300, comparisons: 2 };

const VERDICTS: Readonly<Record<Preference, 'good' | 'bad' | 'tie'>> = {
  first: 'good',
  second: 'bad',
  same: 'tie',
};

export function createShadow(options: ShadowOptions): Shadow {
  const { settings, budget, random = Math.random } = options;
  const { spentToday, spend } = budget;
  let underWay = 0;

  /** The deployment whose answer it is compared with; undefined where the budget does not allow it. */
  function findRival({ decision, ask }: Exchange): Member | undefined {
    const rival = decision.strongest?.members.find(({ upstream }) => canBeAsked(upstream));
    if (rival?.price === undefined || rival === decision.member) return undefined;
    const cost = costOf(rival.price, ask.tokens());
    return spentToday() + cost <= settings.dailyBudget ? rival : undefined;
  }

  async function run(exchange: Exchange, rival: Member, answer: string): Promise<void> {
    const from = performance.now();
    const { call, ask } = exchange;
    const signal = AbortSignal.timeout(options.timeoutMs);
    const shadowed = await askPlainly(rival, {
      request: ask.request,
      maxAnswerBytes: options.maxAnswerBytes,
      estimated: ask.tokens(),
      signal,
    });
    spend(shadowed.usd);
    const question = ask.found()?.text;
    if (shadowed.text === undefined || question === undefined) return;
    const texts = { question, first: answer, second: shadowed.text };
    const judged = await judge(options, texts, signal);
    spend(judged.usd);
    const { modelName } = rival.upstream.deployment;
    const verdict = judged.preference && VERDICTS[judged.preference];
    options.log('info', 'shadow', {
      requestId: call.requestId,
      comparedWith: modelName,
      source: judged.source,
      verdict,
      usd: shadowed.usd + judged.usd,
      ms: roundMs(performance.now() - from),
    });
    if (verdict === undefined) return;
    const outcome = { request_id: call.requestId, verdict, source: judged.source };
    await options.addOutcome(outcome, modelName);
  }

  return {
    wants: (exchange) => {
      const { tier, reason } = exchange.decision;
      if (tier !== 'weak' || reason === 'fallback' || underWay >= MAX_UNDER_WAY) return false;
      return random() < settings.share && findRival(exchange) !== undefined;
    },
    compare: async (exchange, answer) => {
      const rival = findRival(exchange);
      if (rival === undefined || answer.trim() === '') return;
      underWay += 1;
      try {
        await run(exchange, rival, answer);
      } catch (error) {
        options.log('warning', 'shadow-failed', { requestId: exchange.call.requestId });
        throw error;
      } finally {
        underWay -= 1;
      }
    },
  };
}

type Judged = {
  readonly preference: Preference | undefined;
  readonly usd: number;
  readonly source: 'judge' | 'system';
};

/** Answers that are the same letter by letter need no judge. */
async function judge(
  options: ShadowOptions,
  texts: { readonly question: string; readonly first: string; readonly second: string },
  signal: AbortSignal,
): Promise<Judged> {
  if (normalize(texts.first) === normalize(texts.second)) {
    return { preference: 'same', usd: 0, source: 'system' };
  }
  const member = findJudge(options, texts);
  if (member === undefined) return { preference: undefined, usd: 0, source: 'judge' };
  const { maxAnswerBytes } = options;
  const ask = (request: ChatRequest) =>
    askPlainly(member, { request, maxAnswerBytes, estimated: tokensOf(texts), signal });
  return { ...(await compare(ask, texts)), source: 'judge' };
}

/** Undefined where there is no judge, its price is not known, or the budget does not allow it. */
function findJudge(
  { settings, getFleet, budget, log }: ShadowOptions,
  texts: Readonly<Record<string, string>>,
): Member | undefined {
  const { judge, dailyBudget } = settings;
  if (judge === undefined) return undefined;
  const member = getFleet().members.find((one) => isCalled(one, judge));
  if (member?.price === undefined) {
    log('warning', 'judge-not-found', { deployment: judge, known: member !== undefined });
    return undefined;
  }
  const cost = JUDGE.comparisons * costOf(member.price, tokensOf(texts));
  return budget.spentToday() + cost <= dailyBudget ? member : undefined;
}

/** Estimates tokens at four characters each. */
function tokensOf(texts: Readonly<Record<string, string>>) {
  const characters = Object.values(texts).reduce((sum, text) => sum + text.length, 0);
  return { prompt: Math.ceil(characters / 4), completion: JUDGE.completion };
}

function normalize(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/g, ' ');
}
