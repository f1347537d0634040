import type { HttpError } from '../base/errors.ts';
import { errorKind, type Log } from '../base/log.ts';
import type { ChatMessage } from '../chat-format/chat-request.ts';
import type { Usage } from '../chat-format/event-data.ts';
import type { StoredMessage } from '../threads/thread.ts';
import { toThreadError } from '../threads/thread-errors.ts';
import type { Exchange } from './exchange.ts';

/** An answer that is to be added to its thread. */
type Given = {
  /** Absent: it says nothing, or nothing has come of it. */
  readonly message: ChatMessage | undefined;
  readonly finishReason: string | undefined;
  readonly usage: Usage | undefined;
  /** False: it broke off. */
  readonly isWhole: boolean;
};

/**
 * Adds an answer to the thread of its request, with what was asked; without a thread, nothing. Gives the
 * error that its client is to be told when it could not be added; never throws.
 */
export async function keepAnswer(
  log: Log,
  { call, needs, decision, continued }: Exchange,
  { message, finishReason, usage, isWhole }: Given,
): Promise<HttpError | undefined> {
  if (continued === undefined || (message === undefined && !isWhole)) return undefined;
  const { deployment } = decision.member.upstream;
  const estimated = needs.tokens();
  const answer = message ?? { role: 'assistant', content: '' };
  try {
    await continued.conversation.add(answer as StoredMessage, {
      requestId: call.requestId,
      model: deployment.modelName,
      deployment: deployment.name,
      tokens: usage?.total ?? estimated.prompt + estimated.completion,
      isIncomplete: !isWhole,
      ...(finishReason !== undefined && { finishReason }),
    });
    return undefined;
  } catch (error) {
    log('warning', 'thread-not-added-to', {
      requestId: call.requestId,
      error: errorKind(error),
    });
    return toThreadError(error);
  }
}
