import type { Operation } from './operation.ts';

const ACCESS = { access: 'key', tag: 'threads' } as const;
const PATH = '/llm/threads';
const READ_ERRORS = [404, 409] as const;

const thread = {
  id: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  object: 'thread',
  created_at: 1_795_700_000,
  expires_at: 1_798_292_000,
  user: 'ada',
  metadata: { plan: 'free' },
  message_count: 1,
};

const message = {
  id: 'msg_0000000000',
  object: 'thread.message',
  thread_id: thread.id,
  created_at: 1_795_700_000,
  status: 'completed',
  role: 'user',
  content: 'What is the capital of France?',
};

const page = { object: 'list', first_id: thread.id, last_id: thread.id, has_more: false };

/** Threads. A thread of another caller is answered like one that does not exist. */
export const threadOperations = {
  'create-thread': {
    ...ACCESS,
    method: 'POST',
    path: PATH,
    summary: 'Create a thread',
    description:
      "For the caller, or for one of the caller's users, optionally with its first messages.",
    body: { schema: 'NewThread', example: { user: 'ada', metadata: { plan: 'free' } } },
    answers: {
      201: { description: 'The thread.', schema: 'Thread', example: thread },
    },
    errors: [409],
  },
  'list-threads': {
    ...ACCESS,
    method: 'GET',
    path: PATH,
    summary: "List a user's threads",
    description: "The newest first; without `user`, the caller's threads that have none.",
    query: ['user', 'limit', 'after'],
    answers: {
      200: { description: 'Threads.', schema: 'ThreadList', example: { ...page, data: [thread] } },
    },
    errors: READ_ERRORS,
  },
  'get-thread': {
    ...ACCESS,
    method: 'GET',
    path: `${PATH}/{id}`,
    summary: 'Get a thread',
    description: 'Without its messages.',
    query: ['user'],
    answers: {
      200: { description: 'The thread.', schema: 'Thread', example: thread },
    },
    errors: READ_ERRORS,
  },
  'delete-thread': {
    ...ACCESS,
    method: 'DELETE',
    path: `${PATH}/{id}`,
    summary: 'Delete a thread',
    description: 'Deletes the thread and all of its messages immediately and permanently.',
    query: ['user'],
    answers: {
      200: {
        description: 'The thread is deleted.',
        schema: 'DeletedThread',
        example: { id: thread.id, object: 'thread.deleted', deleted: true },
      },
    },
    errors: READ_ERRORS,
  },
  'list-messages': {
    ...ACCESS,
    method: 'GET',
    path: `${PATH}/{id}/messages`,
    summary: 'List the messages of a thread',
    description: 'The oldest first.',
    query: ['user', 'limit', 'after'],
    answers: {
      200: {
        description: 'Messages.',
        schema: 'MessageList',
        example: { ...page, first_id: message.id, last_id: message.id, data: [message] },
      },
    },
    errors: READ_ERRORS,
  },
  'add-message': {
    ...ACCESS,
    method: 'POST',
    path: `${PATH}/{id}/messages`,
    summary: 'Add a message to a thread',
    description: 'No model is called. With the same Idempotency-Key it is added once.',
    query: ['user'],
    isIdempotent: true,
    body: { schema: 'NewMessage', example: { role: 'user', content: message.content } },
    answers: {
      201: { description: 'The message.', schema: 'Message', example: message },
    },
    errors: [409, 422],
  },
} satisfies Readonly<Record<string, Operation>>;
