import * as z from 'zod';

const seconds = z.int().describe('Seconds since 1970.');

export const threadAnswerSchema = z.object({
  id: z.string(),
  object: z.literal('thread'),
  created_at: seconds,
  expires_at: seconds.describe(
    'The time at which the thread is deleted if nothing is added before.',
  ),
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  message_count: z.int(),
  damaged: z
    .boolean()
    .optional()
    .describe(
      'True when the record of the thread cannot be read: its messages can be listed and it can be deleted, but nothing can be added.',
    ),
});

export const messageAnswerSchema = z.looseObject({
  id: z.string().describe('The ids of messages sort in the order of the messages.'),
  object: z.literal('thread.message'),
  thread_id: z.string(),
  created_at: seconds,
  status: z.enum(['completed', 'incomplete']).describe('`incomplete`: the answer was interrupted.'),
  model: z
    .string()
    .optional()
    .describe('The model that gave the answer; absent for messages that were sent.'),
  request_id: z.string().optional().describe('The request that was answered.'),
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
});

export const threadListSchema = pageOf(threadAnswerSchema);
export const messageListSchema = pageOf(messageAnswerSchema);

export const deletedThreadSchema = z.object({
  id: z.string(),
  object: z.literal('thread.deleted'),
  deleted: z.literal(true),
});

function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable().describe('The id of the last entry, for `after`.'),
    has_more: z.boolean(),
  });
}
