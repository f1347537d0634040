import type { Affinity, Session } from '../policy/session.ts';
import type { Fleet, Member } from '../registry/fleet.ts';
import type { Conversation } from './conversations.ts';

/** The thread that a request continues, as far as its answer tells of it. */
export type Continued = {
  readonly conversation: Conversation;
  /** The number of its messages that are not sent. */
  readonly unsent: number;
  readonly affinity: Affinity;
  /** Absent: each request of the thread is routed by itself. */
  readonly session?: Omit<Session, 'switchMargin'>;
  /** The model that has the thread; absent when none has, or that one is gone. */
  readonly modelKey?: string;
};

/** What a thread did with its model, as its answers say. */
export type Step = 'initialize' | 'retain' | 'switch';

/** The services keep a prompt in their cache for some minutes after its last use, and no shorter prompt. */
const CACHE_MS = 5 * 60_000;
const MIN_CACHED_TOKENS = 1_024;

/** The thread as routing sees it, to stay with its model or to switch (`routing/stay-with-model.ts`). */
export function continueThread(
  { conversation, unsent }: Pick<Continued, 'conversation' | 'unsent'>,
  affinity: Affinity,
  { members }: Fleet,
): Continued {
  const { answered, messages } = conversation;
  const last = members.find(({ upstream }) => upstream.deployment.name === answered?.deployment);
  const continued = { conversation, unsent, affinity, ...(last && { modelKey: last.modelKey }) };
  if (affinity === 'none') return continued;
  return {
    ...continued,
    session: {
      affinity,
      ...(answered && { deployment: answered.deployment }),
      isToolLoop: messages.at(-1)?.role === 'tool',
      cachedTokens: unsent === 0 ? cachedTokensOf(answered) : 0,
    },
  };
}

function cachedTokensOf(answered: Conversation['answered']): number {
  if (answered === undefined || Date.now() - answered.at > CACHE_MS) return 0;
  return answered.tokens < MIN_CACHED_TOKENS ? 0 : answered.tokens;
}

/** The step of a thread whose request `member` answers; undefined where each request is routed by itself. */
export function stepOf(
  { conversation, affinity, modelKey }: Continued,
  member: Member,
): Step | undefined {
  if (affinity === 'none') return undefined;
  if (conversation.answered === undefined) return 'initialize';
  return member.modelKey === modelKey ? 'retain' : 'switch';
}

/** Adds the headers by which an answer tells its thread and the thread's step. */
export function addThreadHeaders(
  headers: Record<string, string>,
  continued: Continued,
  member: Member,
): void {
  const step = stepOf(continued, member);
  headers['x-smart-router-thread'] = continued.conversation.threadId;
  if (step) headers['x-smart-router-session'] = step;
}
