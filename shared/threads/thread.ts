import * as z from 'zod';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** A message as OpenAI has it; fields that are not described here are kept as they are. */
export const messageSchema = z.looseObject({
  role: z.enum(ROLES),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string() }))])
    .nullish()
    .describe('A text, or parts; absent for calls of tools alone.'),
});
export type StoredMessage = Readonly<z.infer<typeof messageSchema>>;

/** So many a transaction of the table takes, with the thread's own row and that of a key. */
export const MAX_MESSAGES_AT_ONCE = 64;

/** As OpenAI limits it. */
const metadataSchema = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, 'has more than 16 keys');

export const threadSchema = z.strictObject({
  user: z.string().min(1).max(256).nullish().describe('Whose it is among those of the caller.'),
  metadata: metadataSchema.nullish(),
  messages: z.array(messageSchema).max(MAX_MESSAGES_AT_ONCE).nullish().describe('The first ones.'),
});

/** Who gave the newest answer, of which its service may still keep the prompt. */
export type LastAnswer = {
  readonly deployment: string;
  /** Of prompt and completion together. */
  readonly tokens: number;
  /** Since 1970, in ms. */
  readonly at: number;
};

/** A conversation that is kept. */
export type Thread = {
  readonly id: string;
  /** The caller that made it. */
  readonly owner: string;
  readonly user?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Since 1970, in ms. */
  readonly createdAt: number;
  /** It is deleted then, unless something is added before. */
  readonly expiresAt: number;
  /** How many messages it has. */
  readonly count: number;
  /** The places of the newest messages that are instructions: of the system or the developer. */
  readonly instructions: readonly number[];
  /** Absent: none has been given. */
  readonly answered?: LastAnswer;
};

/** Of an instruction, so many places are known. */
export const MAX_INSTRUCTIONS = 32;

/** What a model is told before all else, and what stays when a conversation is cut. */
export function isInstruction({ role }: { readonly role: string }): boolean {
  return role === 'system' || role === 'developer';
}

/** Others may not even stand in a query of the table. */
export function isThreadId(id: string): boolean {
  return /^thread_[0-9a-f]{32}$/.test(id);
}

/** A message in its place. */
export type PlacedMessage = {
  readonly index: number;
  /** Since 1970, in ms. */
  readonly at: number;
  /** The answer broke off here. */
  readonly isIncomplete: boolean;
  /** The model that gave it; absent for what a caller sent. */
  readonly model?: string;
  /** As it is kept, in UTF-8. */
  readonly bytes: number;
  /** The request whose answer it is. */
  readonly requestId?: string;
  readonly message: StoredMessage;
};

/** `msg_` and the message's place: sorts as the messages follow each other. */
export function messageId(index: number): string {
  return `msg_${String(index).padStart(10, '0')}`;
}

/** Undefined for what is no message's id. */
export function indexOfMessage(id: string): number | undefined {
  const [, digits] = /^msg_(\d{10})$/.exec(id) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Where an answer comes from, and how it ended. */
export type AnswerFacts = {
  readonly requestId: string;
  readonly model: string;
  readonly deployment: string;
  /** Of prompt and completion together. */
  readonly tokens: number;
  /** It broke off. */
  readonly isIncomplete: boolean;
  readonly finishReason?: string;
};
