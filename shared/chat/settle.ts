import type { Background } from '../base/background.ts';
import type { HttpError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Call } from '../calls/call.ts';
import type { Usage } from '../chat-format/usage.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import { costOf } from '../spending/cost.ts';
import { addToThread } from './add-to-thread.ts';
import type { Ending, Exchange } from './exchange.ts';
import { toLogFields, toRecord } from './record-decision.ts';
import { redactText } from './redact.ts';
import type { Shadow } from './shadow.ts';

/** The places that are told how a request ended. */
export type SettleOptions = {
  /** Counts the tokens of an answer against the limits of its caller. */
  readonly countTokens: (call: Call, tokens: number) => void;
  /** Adds the cost of an answer, in USD, to what its use case has spent. */
  readonly spend: (call: Call, usd: number) => void;
  /** Keeps what was decided, and how it ended. */
  readonly record: (decision: DecisionRecord) => void;
  /** Runs work that a client that has left does not wait for. */
  readonly background: Background;
  /** Compares answers with the strongest model's; absent where none are compared. */
  readonly shadow?: Shadow | undefined;
  /** True when prompts and answers are logged, redacted. */
  readonly isContentKept: boolean;
  readonly log: Log;
};

/**
 * Ends a request, once: adds the answer to its thread, counts and spends what it took, keeps and logs what
 * was decided, and has the answer compared. Gives the error that the client has to be told when the answer
 * could not be added to its thread. Never throws.
 */
export function settle(
  options: SettleOptions,
  exchange: Exchange,
  ending: Ending,
): Promise<HttpError | undefined> | undefined {
  if (exchange.continued === undefined) {
    tell(options, exchange, ending);
    return undefined;
  }
  const { conversation } = exchange.continued;
  const settled = addToThread(options.log, exchange, ending).then(async (unkept) => {
    await conversation.release();
    // An error that ended the answer is the cause, and the status of a stream has been sent already.
    const error = ending.error ?? unkept;
    const { status } = unkept && exchange.firstTokenAt === undefined ? unkept : ending;
    tell(options, exchange, { ...ending, error, status });
    return unkept;
  });
  // A client that has left does not wait for it.
  void options.background.run('threads', () => settled);
  return settled;
}

function tell(options: SettleOptions, exchange: Exchange, ending: Ending): void {
  const { call, decision } = exchange;
  const { error, usage, isShadowed } = ending;
  const tokens = usage && tokensOf(exchange, usage);
  const usd = usage && costOfAnswer(exchange, usage);
  if (tokens !== undefined) options.countTokens(call, tokens);
  if (usd !== undefined) options.spend(call, usd);
  const content = options.isContentKept ? contentOf(exchange, ending) : undefined;
  const record = toRecord(exchange, ending, { usd, prompt: content?.prompt });
  options.record(record);
  if (isShadowed && error === undefined) compareInShadow(options, exchange, ending);
  call.trace?.decided(record, decision.times);
  options.log(error === undefined || error.status < 500 ? 'info' : 'warning', 'chat', () =>
    toLogFields(record, { tokens, usd, answer: content?.answer }),
  );
}

/** An answer that was cut, or broke off, is not compared. */
function compareInShadow(
  { shadow, background }: SettleOptions,
  exchange: Exchange,
  ending: Ending,
): void {
  const { message, finishReason } = ending.answer?.() ?? {};
  const text = message?.content;
  if (shadow === undefined || typeof text !== 'string' || finishReason !== 'stop') return;
  void background.run('comparisons', () => shadow.compare(exchange, text));
}

function contentOf({ ask }: Exchange, { answer }: Ending) {
  const found = ask.found();
  const content = answer?.().message?.content;
  return {
    prompt: found && redactText(found.text),
    answer: typeof content === 'string' ? redactText(content) : undefined,
  };
}

/** The total that the deployment counted; else its parts, estimated where it did not count them. */
function tokensOf({ ask }: Exchange, usage: Usage): number {
  const { prompt, completion } = { ...ask.tokens(), ...usage };
  return usage.total ?? prompt + completion;
}

/** In USD; undefined without a price. Tokens that the deployment did not count are estimated. */
function costOfAnswer({ ask, decision }: Exchange, usage: Usage): number | undefined {
  const { price } = decision.member;
  return price && costOf(price, { ...ask.tokens(), ...usage });
}
