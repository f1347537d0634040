import type { Answer } from '../base/answer.ts';
import type { Call } from '../calls/call.ts';
import { answerChat } from './answer-chat.ts';
import { type AskOptions, createAskInOrder } from './ask-in-order.ts';
import { type DecideOptions, decide } from './decide.ts';
import { openRequest } from './open-request.ts';
import { replayAnswer } from './replay-answer.ts';
import type { SettleOptions } from './settle.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = {
  readonly decide: DecideOptions;
  readonly ask: AskOptions;
  readonly settle: SettleOptions;
};

/** Answers chat requests: opens, decides, asks, answers. Throws an HttpError for a request that is refused unasked. */
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
    const from = performance.now();
    const decided = await decide(options.decide, opened);
    const decisionMs = performance.now() - from;
    const { turn, ...asked } = await askInOrder(decided);
    return answerChat(options.settle, { ...decided, ...asked, decisionMs }, turn);
  };
}
