import { InvalidRequestError } from '../base/errors.ts';
import type { Call } from '../calls/call.ts';
import { parseChatRequest, THREAD_HEADER, withMessages } from '../chat-format/chat-request.ts';
import type { Controls } from '../policy/controls.ts';
import type { Fleet, Member } from '../registry/fleet.ts';
import { askOfChat, type ChatAsk } from './chat-ask.ts';
import type { Conversation, OpenConversation } from './conversations.ts';
import { findTarget } from './find-target.ts';

export type OpenOptions = {
  /** Gives the deployments that can be called now. */
  readonly getFleet: () => Fleet;
  readonly openConversation: OpenConversation;
  /** The most bytes of a conversation that are read back, as of a request's body. */
  readonly maxBodyBytes: number;
};

/** A chat request that has been checked, with the conversation that it continues. */
export type Opened = {
  readonly call: Call;
  /** What is asked, the conversation included. */
  readonly ask: ChatAsk;
  readonly fleet: Fleet;
  /** What the requested model's name says of the decision. */
  readonly controls: Controls;
  /** The deployment that the request names, to be called without routing. */
  readonly named?: Member;
  /** Absent when the request continues no thread. */
  readonly conversation?: Conversation;
};

/** Checks a request, finds its target, and opens the thread that it continues. Throws an HttpError. */
export async function openRequest(options: OpenOptions, call: Call): Promise<Opened> {
  const request = parseChatRequest(call.body, call.header(THREAD_HEADER));
  const fleet = options.getFleet();
  const { controls, named } =
    call.deployment === undefined
      ? findTarget(request.model ?? 'smart-router', 'model', fleet)
      : findTarget(call.deployment, 'deployment', fleet);
  const ask = askOfChat(request);
  const opened = { call, ask, fleet, controls, ...(named && { named }) };
  if (request.threadId === undefined) return opened;
  const conversation = await options.openConversation(call, request, {
    tokens: largestWindow(fleet, ask),
    bytes: options.maxBodyBytes,
  });
  const { messages } = conversation;
  if (messages.length === 0) {
    throw new InvalidRequestError('The thread has no messages yet: send messages, or prompt.', {
      param: 'messages',
    });
  }
  return { ...opened, ask: askOfChat(withMessages(request, messages)), conversation };
}

/** The most tokens that a prompt may have with any deployment that is called now. */
function largestWindow({ members }: Fleet, { promptLimit }: ChatAsk): number {
  const enabled = members.filter(({ isEnabled }) => isEnabled);
  return Math.max(0, ...enabled.map(({ upstream }) => promptLimit(upstream.deployment)));
}
