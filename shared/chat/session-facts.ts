import type { Affinity, Session } from '../policy/session.ts';
import type { Fleet, Member } from '../registry/fleet.ts';
import type { Conversation } from './conversations.ts';

/** The thread that a request continues, as far as its answer tells of it. */
export type Continued = {
  readonly conversation: Conversation;
  /** How many of its messages were not sent. */
  readonly left: number;
  readonly affinity: Affinity;
  /** Absent: each of its requests is routed by itself. */
  readonly session?: Omit<Session, 'switchMargin'>;
  /** The model that it is with; absent: with none, or with one that is gone. */
  readonly modelKey?: string;
};

/** What a conversation is told to have done with its model. */
export type Step = 'initialize' | 'retain' | 'switch';

/** The services keep a prompt for some minutes after its last use, and none that is shorter. */
const CACHE_MS = 5 * 60_000;
const MIN_CACHED_TOKENS = 1_024;

export function continueSession(
  conversation: Conversation,
  left: number,
  affinity: Affinity,
  { members }: Fleet,
): Continued {
  const { answered, messages } = conversation;
  const last = members.find(({ upstream }) => upstream.deployment.name === answered?.deployment);
  const continued = { conversation, left, affinity, ...(last && { modelKey: last.modelKey }) };
  if (affinity === 'none') return continued;
  return {
    ...continued,
    session: {
      affinity,
      ...(answered && { deployment: answered.deployment }),
      isToolLoop: messages.at(-1)?.role === 'tool',
      cachedTokens: left === 0 ? cachedTokensOf(answered) : 0,
    },
  };
}

function cachedTokensOf(answered: Conversation['answered']): number {
  if (answered === undefined || Date.now() - answered.at > CACHE_MS) return 0;
  return answered.tokens < MIN_CACHED_TOKENS ? 0 : answered.tokens;
}

/** Undefined where each request is routed by itself. */
export function stepOf(
  { conversation, affinity, modelKey }: Continued,
  member: Member,
): Step | undefined {
  if (affinity === 'none') return undefined;
  if (conversation.answered === undefined) return 'initialize';
  return member.modelKey === modelKey ? 'retain' : 'switch';
}

/** What an answer says of its thread. */
export function addThreadHeaders(
  headers: Record<string, string>,
  continued: Continued,
  member: Member,
): void {
  const step = stepOf(continued, member);
  headers['x-smart-router-thread'] = continued.conversation.threadId;
  if (step) headers['x-smart-router-session'] = step;
}
