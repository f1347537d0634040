import * as z from 'zod';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** A message in OpenAI's format; fields that are not described here are stored unchanged. */
export const messageSchema = z.looseObject({
  role: z.enum(ROLES),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string() }))])
    .nullish()
    .describe('A text or parts; absent if the message has only tool calls.'),
});
export type StoredMessage = Readonly<z.infer<typeof messageSchema>>;

/** Fits into one transaction of the table, with the thread's own row and that of a key. */
export const MAX_MESSAGES_AT_ONCE = 64;

/** The limits are OpenAI's. */
const metadataSchema = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, 'has more than 16 keys');

export const threadSchema = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(256)
    .nullish()
    .describe('The user of the caller that the thread belongs to.'),
  metadata: metadataSchema.nullish(),
  messages: z
    .array(messageSchema)
    .max(MAX_MESSAGES_AT_ONCE)
    .nullish()
    .describe('The first messages.'),
});

/** The deployment that gave the newest answer and may still have the prompt in its cache. */
export type LastAnswer = {
  readonly deployment: string;
  /** Tokens of prompt and completion together. */
  readonly tokens: number;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** A stored conversation. */
export type Thread = {
  readonly id: string;
  /** The name of the caller that created it. */
  readonly owner: string;
  readonly user?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; each addition sets a later time. */
  readonly expiresAt: number;
  /** The number of messages. */
  readonly count: number;
  /** The indexes of the newest system and developer messages. */
  readonly instructions: readonly number[];
  /** Absent until a model has answered. */
  readonly answered?: LastAnswer;
  /** True if its record cannot be read: nothing can be added to it. */
  readonly isDamaged?: true;
};

/** The most instructions whose indexes are kept. */
export const MAX_INSTRUCTIONS = 32;

/** True for system and developer messages, which stay when a conversation is cut. */
export function isInstruction({ role }: { readonly role: string }): boolean {
  return role === 'system' || role === 'developer';
}

/** Any other text must not appear in a query of the table. */
export function isThreadId(id: string): boolean {
  return /^thread_[0-9a-f]{32}$/.test(id);
}

/** A stored message with its index in the thread. */
export type PlacedMessage = {
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** True for an answer that broke off. */
  readonly isIncomplete: boolean;
  /** The model that generated it; absent for messages that a caller sent. */
  readonly model?: string;
  /** The deployment that generated it. */
  readonly deployment?: string;
  /** The size of the message as JSON in UTF-8. */
  readonly bytes: number;
  /** The request that it answers. */
  readonly requestId?: string;
  readonly message: StoredMessage;
};

/** Returns `msg_` and the message's index, so that ids sort in the order of the messages. */
export function messageId(index: number): string {
  return `msg_${String(index).padStart(10, '0')}`;
}

/** Returns undefined for a text that is not the id of a message. */
export function indexOfMessage(id: string): number | undefined {
  const [, digits] = /^msg_(\d{10})$/.exec(id) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The origin of an answer, and how it ended. */
export type AnswerFacts = {
  readonly requestId: string;
  readonly model: string;
  readonly deployment: string;
  /** Tokens of prompt and completion together. */
  readonly tokens: number;
  /** True if it broke off. */
  readonly isIncomplete: boolean;
  readonly finishReason?: string;
};
