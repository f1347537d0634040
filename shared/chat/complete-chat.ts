import type { Answer } from '../base/answer.ts';
import { describeError } from '../base/describe-error.ts';
import type { Call } from '../calls/call.ts';
import { answerChat, answerHeaders } from './answer-chat.ts';
import { type AskOptions, createAskInOrder } from './ask-in-order.ts';
import { type Decided, type DecideOptions, decide } from './decide.ts';
import { type OpenInTimeOptions, openInTime } from './open-in-time.ts';
import { type Opened, openRequest } from './open-request.ts';
import { replayAnswer } from './replay-answer.ts';
import type { SettleOptions } from './settle.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = {
  readonly decide: DecideOptions;
  readonly ask: AskOptions;
  readonly settle: SettleOptions;
  readonly streams: StreamTimes;
};

/** When a client of a stream gets its status and headers, and its comments while there is no content, in ms. */
type StreamTimes = { readonly streamOpenMs: number; readonly streamCommentMs: number };

/**
 * Answers chat requests: opens, decides, asks, answers. Throws an HttpError for a request that is refused
 * unasked.
 */
export function createCompleteChat(options: CompleteChatOptions): CompleteChat {
  const askInOrder = createAskInOrder(options.ask);
  return async (call) => {
    const opened = await openRequest(options.decide, call);
    const earlier = opened.conversation?.earlier;
    if (earlier !== undefined) {
      const { requestId, caller } = call;
      options.settle.log('info', 'chat-replayed', { requestId, caller: caller?.name });
      return replayAnswer(opened.ask.request, earlier);
    }
    await opened.conversation?.hold();
    const from = performance.now();
    const decided = await orRelease(opened, decide(options.decide, opened));
    const decisionMs = performance.now() - from;
    const answered = askInOrder(decided).then(({ turn, ...asked }) =>
      answerChat(options.settle, { ...decided, ...asked, decisionMs }, turn),
    );
    const answer = orRelease(opened, answered);
    if (!decided.ask.request.stream) return answer;
    return openInTime(answer, openOptions(options, decided, decisionMs));
  };
}

/** Waits for work on a request, whose key is free again if it fails. */
async function orRelease<T>({ conversation }: Opened, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await conversation?.release();
    throw error;
  }
}

/** How a stream is opened whose first content is not there in time. */
function openOptions(
  { settle: { log }, streams }: CompleteChatOptions,
  decided: Decided,
  decisionMs: number,
): OpenInTimeOptions {
  const { requestId, startedAt, signal } = decided.call;
  const askedAt = performance.now();
  return {
    openMs: streams.streamOpenMs - (askedAt - startedAt),
    commentMs: streams.streamCommentMs,
    headers: () => {
      const upstreamMs = performance.now() - askedAt;
      return answerHeaders({ ...decided, attempts: [], upstreamMs, decisionMs }, {}, []);
    },
    describe: (error) => describeError(error, { requestId, signal, log }),
  };
}
