import * as z from 'zod';
import { invalidRequest, unrecognizedArguments } from './azure-error.ts';
import { parseFields } from './parse-fields.ts';

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
    .nullish(),
});

const toolSchema = z.looseObject({
  type: z.string(),
  function: z
    .looseObject({ name: z.string().min(1), parameters: z.unknown().optional() })
    .optional(),
});

const tokenLimit = z.int().min(1).nullish();

const chatRequestSchema = z.looseObject({
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({
      include_usage: z.boolean().nullish(),
      include_obfuscation: z.boolean().nullish(),
    })
    .nullish(),
  n: z.int().min(1).max(128).nullish(),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  reasoning_effort: z.string().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(toolSchema).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ function: z.looseObject({ name: z.string() }).optional() }),
    ])
    .nullish(),
  response_format: z
    .looseObject({
      type: z.enum(['text', 'json_object', 'json_schema']),
      json_schema: z.looseObject({ schema: z.unknown().optional() }).optional(),
    })
    .nullish(),
});

export type ChatRequest = z.infer<typeof chatRequestSchema>;
export type ChatMessage = ChatRequest['messages'][number];

// The router's own fields, which must not reach a model: the simulator is as strict as the real service.
const ROUTER_FIELDS = ['prompt', 'routing', 'thread_id'];

/** Parses a chat request. Throws the 400 that the service returns for an invalid request. */
export function parseChatRequest(body: unknown): ChatRequest {
  const request = parseFields(chatRequestSchema, body);
  const leaked = ROUTER_FIELDS.filter((field) => request[field] !== undefined);
  if (leaked.length > 0) throw unrecognizedArguments(leaked);
  checkCombinations(request);
  return request;
}

/** Returns the text parts of the newest user message, joined. */
export function newestUserText(messages: readonly ChatMessage[]): string {
  const newest = messages.findLast((message) => message.role === 'user');
  return newest === undefined ? '' : messageText(newest);
}

export function messageText({ content }: ChatMessage): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  return content.map((part) => part.text ?? '').join('\n');
}

function checkCombinations(request: ChatRequest): void {
  if (request.stream_options && request.stream !== true) {
    throw invalidRequest(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      { param: 'stream_options' },
    );
  }
  if (request.max_tokens && request.max_completion_tokens) {
    throw invalidRequest(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      { param: 'max_tokens', code: 'invalid_parameter_combination' },
    );
  }
  checkToolChoice(request);
}

function checkToolChoice({ tools, tool_choice: choice }: ChatRequest): void {
  if (choice === undefined || choice === null || choice === 'none') return;
  if (!tools || tools.length === 0) {
    throw invalidRequest("'tool_choice' is only allowed when 'tools' are specified.", {
      param: 'tool_choice',
    });
  }
  const name = typeof choice === 'string' ? undefined : choice.function?.name;
  if (name !== undefined && !tools.some((tool) => tool.function?.name === name)) {
    throw invalidRequest(`Tool choice '${name}' not found in 'tools' parameter.`, {
      param: 'tool_choice',
    });
  }
}
