import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import { parseWith } from '../base/parse-with.ts';
import {
  foundryRoutingSchema,
  fromFoundry,
  type RoutingWish,
  routingSchema,
} from '../policy/controls.ts';

/** More messages are nearly always a mistake, and Azure OpenAI refuses them too. */
const MAX_MESSAGES = 2_048;

const messageSchema = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
});

/** The fields that the router reads, and the types of the common ones. All others go through. */
export const chatRequestSchema = z.looseObject({
  messages: z
    .array(messageSchema)
    .max(MAX_MESSAGES)
    .nullish()
    .describe('The conversation in the form of OpenAI. Required unless there is a `prompt`.'),
  prompt: z
    .string()
    .nullish()
    .describe('One user message, the newest; together with `messages` or instead of them.'),
  model: z
    .string()
    .nullish()
    .describe(
      '`smart-router` (the default) routes; `router-mf-<threshold>` routes at that threshold; the name of a deployment calls it. Ignored where the path names a deployment.',
    ),
  stream: z.boolean().nullish().describe('True: the answer comes as server-sent events.'),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish() })
    // A long number whose digits are kept looks like an object with this key.
    .refine((options) => !('rawJSON' in options), 'must be an object')
    .nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  max_tokens: z.int().nullish(),
  max_completion_tokens: z.int().nullish(),
  n: z.int().nullish(),
  routing: routingSchema.nullish(),
  routing_config: foundryRoutingSchema.nullish(),
  thread_id: z
    .string()
    .nullish()
    .describe(
      'The thread whose conversation goes before `messages`, and to which they and the answer are added.',
    ),
});

export type ChatMessage = z.infer<typeof messageSchema>;

/** A request that can be decided on and sent. */
export type ChatRequest = {
  readonly messages: readonly ChatMessage[];
  /** The deployment's request without `model` and without the router's own fields. */
  readonly upstreamBody: Readonly<Record<string, unknown>>;
  readonly model?: string;
  readonly stream: boolean;
  /** Whether the client asked for the usage chunk, which the router always asks for. */
  readonly includeUsage: boolean;
  readonly routing: RoutingWish;
  /** The thread that its messages continue; a request that names one may have no messages. */
  readonly threadId?: string;
};

/** Names the thread of a request whose body does not. */
export const THREAD_HEADER = 'x-smart-router-thread';

/**
 * Checks a parsed body once, at the edge; `thread` is the value of its header. Throws an InvalidRequestError
 * that names the field.
 */
export function parseChatRequest(body: unknown, thread: string | null = null): ChatRequest {
  const parsed = parseWith(chatRequestSchema, body);
  const { prompt, routing, routing_config, thread_id, model, ...rest } = parsed;
  const threadId = readThreadId(thread_id, thread);
  if (routing != null && routing_config != null) {
    throw new InvalidRequestError('routing and routing_config exclude each other: send one.', {
      param: 'routing_config',
    });
  }
  const messages = readMessages(parsed.messages ?? [], prompt, threadId !== undefined);
  const stream = rest.stream ?? false;
  return {
    messages,
    upstreamBody: {
      ...rest,
      messages,
      ...(stream && { stream_options: { ...rest.stream_options, include_usage: true } }),
    },
    ...(model != null && { model }),
    stream,
    includeUsage: rest.stream_options?.include_usage ?? false,
    routing: routing ?? (routing_config ? fromFoundry(routing_config) : {}),
    ...(threadId !== undefined && { threadId }),
  };
}

/** The same request with these messages. */
export function withMessages(request: ChatRequest, messages: readonly ChatMessage[]): ChatRequest {
  return { ...request, messages, upstreamBody: { ...request.upstreamBody, messages } };
}

function readThreadId(ofBody: string | null | undefined, ofHeader: string | null) {
  if (ofBody != null && ofHeader !== null && ofBody !== ofHeader) {
    throw new InvalidRequestError(
      `thread_id and ${THREAD_HEADER} name different threads: send one of them.`,
      { param: 'thread_id' },
    );
  }
  return ofBody ?? ofHeader ?? undefined;
}

function readMessages(
  messages: readonly ChatMessage[],
  prompt: string | null | undefined,
  isInThread: boolean,
): readonly ChatMessage[] {
  if (prompt == null || (prompt.trim() === '' && messages.length > 0)) {
    if (messages.length > 0 || isInThread) return messages;
    throw new InvalidRequestError(
      'messages is missing or empty: send messages with at least one message, or prompt with a text.',
      { param: 'messages' },
    );
  }
  if (prompt.trim() === '') {
    throw new InvalidRequestError('prompt is empty: send a text, or messages.', {
      param: 'prompt',
    });
  }
  return [...messages, { role: 'user', content: prompt }];
}
