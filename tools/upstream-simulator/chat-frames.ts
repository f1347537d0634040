import type { ChatAnswer } from './chat-answer.ts';
import {
  type Completion,
  completionUsage,
  filterResults,
  THOUGHTS,
  thoughts,
  tokenLogprobs,
  toolCallBody,
} from './chat-completion.ts';
import type { ChatFrame } from './chat-frame.ts';
import { SAFE_CONTENT, SAFE_PROMPT } from './content-filter.ts';

type Choice = {
  readonly index: number;
  readonly delta: object;
  readonly finish_reason: string | null;
  readonly content_filter_results: object;
  readonly logprobs?: object | null;
};

// Newer models pad chunks, so that chunk sizes do not reveal the text to somebody watching the network.
const PADDING = 'Zk3vQ8mWx1RbT6nYp0LsD4gH';

/** The events in the order in which Azure sends them. */
export function* chatFrames(completion: Completion): Generator<ChatFrame> {
  const { answers, request } = completion;
  const chunk = createChunk(completion);
  yield { kind: 'start', payload: promptFilterFrame() };
  for (const [index, answer] of answers.entries()) {
    yield { kind: 'start', payload: chunk(openingChoice(answer, index)) };
  }
  for (const [index, answer] of answers.entries()) {
    for (const choice of thoughtChoices(answer, index)) {
      yield { kind: 'content', payload: chunk(choice) };
    }
  }
  yield* contentFrames(completion, chunk);
  for (const [index, answer] of answers.entries()) {
    yield { kind: 'finish', payload: chunk(closingChoice(answer, index)) };
  }
  if (request.stream_options?.include_usage) {
    yield { kind: 'usage', payload: { ...chunk(), usage: completionUsage(completion) } };
  }
  yield { kind: 'done', payload: '[DONE]' };
}

function* contentFrames(
  { answers, request }: Completion,
  chunk: ReturnType<typeof createChunk>,
): Generator<ChatFrame> {
  const longest = Math.max(...answers.map((answer) => answer.pieces.length));
  for (let position = 0; position < longest; position += 1) {
    for (const [index, answer] of answers.entries()) {
      const piece = answer.pieces[position];
      if (piece === undefined) continue;
      const logprobs = request.logprobs ? tokenLogprobs([piece], request) : null;
      const choice = contentChoice(answer, piece, position);
      yield { kind: 'content', payload: chunk({ ...choice, index, logprobs }, piece) };
    }
  }
}

/** The first event: an annotation without choices, id or model. */
function promptFilterFrame(): object {
  return {
    choices: [],
    created: 0,
    id: '',
    model: '',
    object: '',
    prompt_filter_results: SAFE_PROMPT,
  };
}

function createChunk({ identity, request }: Completion) {
  const usage = request.stream_options?.include_usage ? { usage: null } : {};
  const isPadded = request.stream_options?.include_obfuscation !== false;
  return (choice?: Choice, piece = ''): object => ({
    choices: choice === undefined ? [] : [choice],
    ...identity,
    object: 'chat.completion.chunk',
    ...usage,
    ...(isPadded ? { obfuscation: PADDING.slice(piece.length % PADDING.length) } : {}),
  });
}

function openingChoice(answer: ChatAnswer, index: number): Choice {
  const [toolCall] = answer.toolCalls;
  const isOpen = toolCall !== undefined && answer.oddCalls === undefined;
  const opening = {
    content: toolCall === undefined ? '' : null,
    ...(isOpen && { tool_calls: [{ index: 0, ...toolCallBody(toolCall, '', answer) }] }),
  };
  return {
    index,
    delta: { role: 'assistant', ...opening, refusal: null },
    finish_reason: null,
    content_filter_results: {},
    logprobs: null,
  };
}

function contentChoice(answer: ChatAnswer, piece: string, position: number): Omit<Choice, 'index'> {
  const isContent = answer.toolCalls.length === 0;
  return {
    delta: isContent ? { content: piece } : { tool_calls: [callPiece(answer, piece, position)] },
    finish_reason: null,
    content_filter_results: isContent ? SAFE_CONTENT : {},
  };
}

/** A piece of the arguments of the only call, or a whole one of several in their odd numbering. */
function callPiece(answer: ChatAnswer, piece: string, position: number): object {
  const { oddCalls, toolCalls } = answer;
  const call = toolCalls[position];
  if (oddCalls === undefined || call === undefined) {
    return { index: 0, function: { arguments: piece } };
  }
  return { ...(oddCalls === 'same_index' && { index: 0 }), ...toolCallBody(call, piece, answer) };
}

function thoughtChoices({ thinksAloud }: ChatAnswer, index: number): readonly Choice[] {
  if (!thinksAloud) return [];
  const common = { index, finish_reason: null, content_filter_results: {} };
  return THOUGHTS.map((piece) => ({ ...common, delta: thoughts(piece) }));
}

function closingChoice(answer: ChatAnswer, index: number): Choice {
  return {
    index,
    delta: {},
    finish_reason: answer.finishReason,
    content_filter_results: answer.finishReason === 'content_filter' ? filterResults(answer) : {},
    logprobs: null,
  };
}
