import { type Answer, EVENT_STREAM, jsonAnswer } from '../base/answer.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
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
  const finish_reason = facts.finishReason ?? 'stop';
  if (!stream) {
    const body = {
      ...common,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason }],
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      response: typeof message.content === 'string' ? message.content : null,
      selected_model: facts.model,
    };
    return jsonAnswer(200, body, headers);
  }
  const chunk = { ...common, object: 'chat.completion.chunk' };
  const chunks = [
    { ...chunk, choices: [{ index: 0, delta: deltaOf(message), finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }] },
  ];
  const events = [...chunks.map((one) => JSON.stringify(one)), '[DONE]'];
  return {
    status: 200,
    headers: { ...headers, ...EVENT_STREAM },
    body: events.map((data) => `data: ${data}\n\n`).join(''),
  };
}

/** A stream numbers the calls of tools. */
function deltaOf({ tool_calls: calls, ...message }: EarlierAnswer['message']) {
  if (!Array.isArray(calls)) return message;
  return { ...message, tool_calls: calls.map((call: object, index) => ({ index, ...call })) };
}
