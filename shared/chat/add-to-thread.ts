import type { HttpError } from '../base/errors.ts';
import { errorKind, type Log } from '../base/log.ts';
import type { StoredMessage } from '../threads/thread.ts';
import { toThreadError } from '../threads/thread-errors.ts';
import type { Ending, Exchange } from './exchange.ts';

/**
 * Adds the ask and its answer to the thread of a request; nothing where it has no thread, or no answer. An
 * answer that broke off is added as far as it came. Gives the error that the client has to be told when it
 * could not be added. Never throws.
 */
export async function addToThread(
  log: Log,
  { call, ask, decision, continued }: Exchange,
  { answer, usage, isWhole }: Ending,
): Promise<HttpError | undefined> {
  const { message, finishReason } = answer?.() ?? {};
  if (continued === undefined || (message === undefined && !isWhole)) return undefined;
  const { deployment } = decision.member.upstream;
  const estimated = ask.tokens();
  const added = message ?? { role: 'assistant', content: '' };
  try {
    await continued.conversation.add(added as StoredMessage, {
      requestId: call.requestId,
      model: deployment.modelName,
      deployment: deployment.name,
      tokens: usage?.total ?? estimated.prompt + estimated.completion,
      isIncomplete: !isWhole,
      ...(finishReason !== undefined && { finishReason }),
    });
    return undefined;
  } catch (error) {
    log('warning', 'thread-not-added-to', { requestId: call.requestId, error: errorKind(error) });
    return toThreadError(error);
  }
}
