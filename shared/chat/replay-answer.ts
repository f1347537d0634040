import { type Answer, EVENT_STREAM, jsonAnswer } from '../base/answer.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import { streamOf } from '../chat-format/stream-answer.ts';
import type { EarlierAnswer } from './conversations.ts';

/**
 * The answer that an earlier request with the same Idempotency-Key got, as its thread has it. No model is
 * asked, so that it takes no tokens.
 */
export function replayAnswer(
  { stream, threadId = '' }: ChatRequest,
  { message, facts, at }: EarlierAnswer,
): Answer {
  const headers = {
    'x-smart-router-selected-model': facts.model,
    'x-smart-router-thread': threadId,
    'x-smart-router-attempts': '0',
    'x-smart-router-replayed': 'true',
  };
  const common = {
    id: `chatcmpl-${facts.requestId}`,
    created: Math.floor(at / 1_000),
    model: facts.model,
  };
  const completion = {
    ...common,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: facts.finishReason ?? 'stop' }],
  };
  if (!stream) {
    const body = {
      ...completion,
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      response: typeof message.content === 'string' ? message.content : null,
      selected_model: facts.model,
    };
    return jsonAnswer(200, body, headers);
  }
  return { status: 200, headers: { ...headers, ...EVENT_STREAM }, body: streamOf(completion) };
}
