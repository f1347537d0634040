import { createHash, randomUUID } from 'node:crypto';
import type { ChatAnswer, ToolCall } from './chat-answer.ts';
import type { ChatRequest } from './chat-request.ts';
import { FILTERED_CONTENT, SAFE_CONTENT, SAFE_PROMPT } from './content-filter.ts';
import { type SimulatedDeployment, servedModel } from './simulated-deployment.ts';

/** The fields that a completion and each of its chunks share. */
export type CompletionIdentity = {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
};

/** A completion, before it is turned into a plain body or into frames. */
export type Completion = {
  readonly identity: CompletionIdentity;
  readonly request: ChatRequest;
  readonly answers: readonly ChatAnswer[];
  readonly promptTokens: number;
  /** Whether only the total of the usage counts the reasoning tokens. */
  readonly hidesReasoning: boolean;
};

export function createIdentity(deployment: SimulatedDeployment): CompletionIdentity {
  const model = servedModel(deployment);
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '').slice(0, 29)}`,
    created: Math.floor(Date.now() / 1000),
    model,
    system_fingerprint: `fp_${createHash('sha256').update(model).digest('hex').slice(0, 10)}`,
  };
}

/** The body of a completion that is not streamed. */
export function completionBody(completion: Completion): object {
  const { identity, request, answers } = completion;
  return {
    ...identity,
    object: 'chat.completion',
    choices: answers.map((answer, index) => ({
      index,
      message: message(answer),
      finish_reason: answer.finishReason,
      logprobs: request.logprobs
        ? tokenLogprobs(answer.toolCalls.length === 0 ? answer.pieces : [], request)
        : null,
      content_filter_results: filterResults(answer),
    })),
    usage: completionUsage(completion),
    prompt_filter_results: SAFE_PROMPT,
  };
}

export function completionUsage(completion: Completion): object {
  const { answers, promptTokens, hidesReasoning } = completion;
  const completionTokens = sum(answers.map((answer) => answer.completionTokens));
  const reasoningTokens = sum(answers.map((answer) => answer.reasoningTokens));
  const counts = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens - (hidesReasoning ? reasoningTokens : 0),
    total_tokens: promptTokens + completionTokens,
  };
  if (hidesReasoning) return counts;
  return {
    ...counts,
    prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0 },
    completion_tokens_details: {
      accepted_prediction_tokens: 0,
      audio_tokens: 0,
      reasoning_tokens: reasoningTokens,
      rejected_prediction_tokens: 0,
    },
  };
}

export function filterResults(answer: ChatAnswer): object {
  if (answer.toolCalls.length > 0) return {};
  return answer.finishReason === 'content_filter' ? FILTERED_CONTENT : SAFE_CONTENT;
}

/** Made-up log probabilities: each piece is nearly certain, each alternative ten times less likely. */
export function tokenLogprobs(pieces: readonly string[], { top_logprobs }: ChatRequest): object {
  const content = pieces.map((piece) => ({
    ...logprob(piece, 0),
    top_logprobs: Array.from({ length: top_logprobs ?? 0 }, (_, rank) =>
      logprob(rank === 0 ? piece : `${piece}${rank}`, rank),
    ),
  }));
  return { content, refusal: null };
}

/** A tool call as it appears in a message, or in the first delta of a stream. */
export function toolCallBody(
  { id, name }: ToolCall,
  functionArguments: string,
  { thinksAloud }: ChatAnswer,
): object {
  return {
    id,
    type: 'function',
    function: { name, arguments: functionArguments },
    ...(thinksAloud && { extra_content: { google: { thought_signature: 'c2lnbmVk' } } }),
  };
}

/** The reasoning of an answer, in the fields of several makers: `text` is all of it, or a piece. */
export function thoughts(text: string): object {
  return {
    reasoning_content: text,
    reasoning_details: [{ type: 'reasoning.text', text, format: 'simulator-v1', index: 0 }],
  };
}

export const THOUGHTS = ['This is ', 'simulated reasoning.'];

function message(answer: ChatAnswer): object {
  const { toolCalls, pieces, thinksAloud } = answer;
  const isContent = toolCalls.length === 0;
  return {
    role: 'assistant',
    content: isContent ? pieces.join('') : null,
    refusal: null,
    annotations: [],
    ...(thinksAloud && thoughts(THOUGHTS.join(''))),
    ...(!isContent && {
      tool_calls: toolCalls.map((call) => toolCallBody(call, call.arguments, answer)),
    }),
  };
}

function logprob(token: string, rank: number): object {
  return { token, logprob: -0.01 - rank * Math.LN10, bytes: [...Buffer.from(token)] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
