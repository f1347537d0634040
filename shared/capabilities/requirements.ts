import { toJson } from '../base/wire-json.ts';
import type { ChatMessage, ChatRequest } from '../chat-format/chat-request.ts';
import { FEATURES, type Feature, TOKEN_LIMITS } from './capabilities.ts';
import { createPromptSize, type PromptSize } from './prompt-size.ts';

type Body = Readonly<Record<string, unknown>>;

/** The requirements of a request on a deployment. */
export type Requirements = {
  /** The features that it needs, in the order in which they are checked. */
  readonly features: readonly Feature[];
  readonly effort: string | undefined;
  readonly hasTools: boolean;
  /** The most tokens of the completion; 0 when the request sets no limit. */
  readonly completionTokens: number;
  /** The number of completions that it asks for. */
  readonly completions: number;
  readonly promptSize: () => PromptSize;
};

/** The services' tokens for an image of low detail, and for one of 1024 x 1024 in high detail. */
const IMAGE_TOKENS = { low: 85, other: 765 };

/** The tokens that surround each message in the model's own format. */
const MESSAGE_TOKENS = 4;

const IMAGE_PARTS = ['image_url', 'input_image'];
const AUDIO_PARTS = ['input_audio'];
const FILE_PARTS = ['file', 'input_file'];

/** Whether a request needs each feature. */
const NEEDS: Readonly<Record<Feature, (body: Body, parts: ReadonlySet<string>) => boolean>> = {
  // Earlier calls and their results in the conversation do not count: nothing is left to be called.
  tools: hasTools,
  // Without an explicit request, one call at a time is enough.
  parallel_tools: (body) => body['parallel_tool_calls'] === true && hasTools(body),
  images: (_, parts) => hasAny(parts, IMAGE_PARTS),
  audio: ({ modalities }, parts) =>
    hasAny(parts, AUDIO_PARTS) || (Array.isArray(modalities) && modalities.includes('audio')),
  files: (_, parts) => hasAny(parts, FILE_PARTS),
  json_schema: ({ response_format: format }) => typeOf(format) === 'json_schema',
  json_object: ({ response_format: format }) => typeOf(format) === 'json_object',
  logprobs: (body) => body['logprobs'] === true,
  n: (body) => typeof body['n'] === 'number' && body['n'] > 1,
  stop: ({ stop }) => (Array.isArray(stop) ? stop.length > 0 : stop != null),
};

export function requirementsOf({
  upstreamBody: body,
  messages,
}: Pick<ChatRequest, 'upstreamBody' | 'messages'>): Requirements {
  const parts = new Set<string>();
  for (const part of partsOf(messages)) parts.add(part.type);
  const { reasoning_effort: effort, n } = body;
  let promptSize: PromptSize | undefined;
  return {
    features: FEATURES.filter((feature) => NEEDS[feature](body, parts)),
    effort: typeof effort === 'string' ? effort : undefined,
    hasTools: hasTools(body),
    completionTokens: completionTokensOf(body),
    completions: typeof n === 'number' && n > 1 ? n : 1,
    promptSize: () => {
      promptSize ??= measure(body, messages);
      return promptSize;
    },
  };
}

/** Returns the requirements of a request with one user message of this text. */
export function requirementsOfText(text: string): Requirements {
  const promptSize = createPromptSize([text], MESSAGE_TOKENS);
  return {
    features: [],
    effort: undefined,
    hasTools: false,
    completionTokens: 0,
    completions: 1,
    promptSize: () => promptSize,
  };
}

/** Whether a request lets the model call tools, by the current or the former name. */
export function hasTools({ tools, functions }: Body): boolean {
  const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
  return isList(tools) || isList(functions);
}

function completionTokensOf(body: Body): number {
  const limits = TOKEN_LIMITS.map((field) => body[field]);
  return Math.max(0, ...limits.filter((limit) => typeof limit === 'number'));
}

/**
 * Measures texts, and images by a fixed figure, since the services' rules differ. Other data does
 * not count.
 */
function measure(body: Body, messages: readonly ChatMessage[]): PromptSize {
  const texts: string[] = [];
  let otherTokens = 0;
  for (const message of messages) {
    otherTokens += MESSAGE_TOKENS;
    addText(texts, message.content);
    addText(texts, message['name']);
    addJson(texts, message['tool_calls']);
    addJson(texts, message['function_call']);
  }
  for (const part of partsOf(messages)) {
    addText(texts, part['text']);
    if (IMAGE_PARTS.includes(part.type)) otherTokens += imageTokens(part['image_url']);
  }
  addJson(texts, body['tools']);
  addJson(texts, body['functions']);
  if (typeOf(body['response_format']) === 'json_schema') addJson(texts, body['response_format']);
  return createPromptSize(texts, otherTokens);
}

function imageTokens(image: unknown): number {
  const isLow = typeof image === 'object' && image !== null && 'detail' in image;
  return isLow && image.detail === 'low' ? IMAGE_TOKENS.low : IMAGE_TOKENS.other;
}

function addText(texts: string[], value: unknown): void {
  if (typeof value === 'string') texts.push(value);
}

function addJson(texts: string[], value: unknown): void {
  if (typeof value === 'object' && value !== null) texts.push(toJson(value));
}

function* partsOf(messages: readonly ChatMessage[]) {
  for (const { content } of messages) {
    if (Array.isArray(content)) yield* content;
  }
}

function typeOf(format: unknown): unknown {
  return typeof format === 'object' && format !== null && 'type' in format
    ? format.type
    : undefined;
}

function hasAny(parts: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.some((type) => parts.has(type));
}
