import { InvalidRequestError } from '../base/errors.ts';
import type { Call } from '../calls/call.ts';
import { isOfContext, NoCapableDeploymentError } from '../capabilities/find-obstacle.ts';
import {
  type ChatRequest,
  parseChatRequest,
  THREAD_HEADER,
  withMessages,
} from '../chat-format/chat-request.ts';
import { findNewestAsk } from '../chat-format/newest-ask.ts';
import { type Controls, readControls } from '../policy/controls.ts';
import type { SessionPolicy } from '../policy/session.ts';
import type { Fleet, Member } from '../registry/fleet.ts';
import type { FindPolicy } from '../registry/use-case-policy.ts';
import type { Controller, RouteRequest } from '../routing/controller.ts';
import type { Needs } from '../routing/find-candidates.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import { type Cut, cutTurns } from '../threads/turns.ts';
import type { Conversation, OpenConversation } from './conversations.ts';
import { needsOf } from './guards.ts';
import { type Continued, continueSession } from './session-facts.ts';
import { findTarget } from './target.ts';

export type DecideOptions = {
  readonly controller: Controller;
  /** What can be called now. */
  readonly getFleet: () => Fleet;
  readonly findPolicy: FindPolicy;
  readonly openConversation: OpenConversation;
  readonly session: SessionPolicy;
  /** Of a conversation, as of a body. */
  readonly maxBodyBytes: number;
};

/** A chat request as it came, with what it continues. */
export type Opened = {
  readonly call: Call;
  readonly request: ChatRequest;
  readonly fleet: Fleet;
  readonly controls: Controls;
  /** The deployment that it names. */
  readonly named?: Member;
  readonly conversation?: Conversation;
};

export type Decided = {
  /** As it is sent: with the conversation that it continues. */
  readonly request: ChatRequest;
  readonly needs: Needs;
  readonly decision: RoutingDecision;
  readonly continued?: Continued;
};

/** Checks a request, finds out what it asks for, and opens the thread that it continues. */
export async function openRequest(options: DecideOptions, call: Call): Promise<Opened> {
  const request = parseChatRequest(call.body, call.header(THREAD_HEADER));
  const fleet = options.getFleet();
  const { controls, named } =
    call.deployment === undefined
      ? findTarget(request.model ?? 'smart-router', 'model', fleet)
      : findTarget(call.deployment, 'deployment', fleet);
  const opened = { call, request, fleet, controls, ...(named && { named }) };
  if (request.threadId === undefined) return opened;
  const tokens = largestWindow(fleet, request);
  const limit = { tokens, bytes: options.maxBodyBytes };
  const conversation = await options.openConversation(call, request, limit);
  if (conversation.messages.length === 0) {
    throw new InvalidRequestError('The thread has no messages yet: send messages, or prompt.', {
      param: 'messages',
    });
  }
  return {
    ...opened,
    request: withMessages(request, conversation.messages),
    conversation,
  };
}

/** Decides who answers. Of a conversation that is too long for all, the newest turns alone are sent. */
export async function decide(options: DecideOptions, opened: Opened): Promise<Decided> {
  const { conversation, request } = opened;
  if (conversation === undefined) {
    const needs = needsOf(request);
    return { request, needs, decision: await route(options, opened, request, needs) };
  }
  const whole = { messages: conversation.messages, left: conversation.unread };
  try {
    return await decideContinued(options, opened, conversation, whole);
  } catch (error) {
    const cut = await cutToFit(opened, conversation, error);
    if (cut === undefined) throw error;
    const left = cut.left + conversation.unread;
    return await decideContinued(options, opened, conversation, { ...cut, left });
  }
}

async function decideContinued(
  options: DecideOptions,
  opened: Opened,
  conversation: Conversation,
  { messages, left }: Cut,
): Promise<Decided> {
  const request = withMessages(opened.request, messages);
  const needs = needsOf(request);
  await checkContext(opened, needs);
  const affinity = request.routing.session_affinity ?? options.session.affinity;
  const continued = continueSession(conversation, left, affinity, opened.fleet);
  const session = continued.session && { ...options.session, ...continued.session };
  const decision = await route(options, opened, request, needs, session);
  return { request, needs, decision, continued };
}

function route(
  { controller, findPolicy }: DecideOptions,
  { call, fleet, controls, named }: Opened,
  request: ChatRequest,
  needs: Needs,
  session?: RouteRequest['session'],
): Promise<RoutingDecision> {
  return controller.route({
    fleet,
    text: findNewestAsk(request.messages),
    controls: readControls(request.routing, call.header, controls),
    signal: call.signal,
    caller: call.caller,
    policy: findPolicy(fleet, call.useCase),
    needs,
    ...(session && { session }),
    ...(named && { named }),
  });
}

/** The largest number of tokens that a prompt may have with any deployment that is called now. */
function largestWindow({ members }: Fleet, request: ChatRequest): number {
  const { promptLimit } = needsOf(request);
  const enabled = members.filter(({ isEnabled }) => isEnabled);
  return Math.max(0, ...enabled.map(({ upstream }) => promptLimit(upstream.deployment)));
}

/** A deployment that is named is asked for all that it can do, but a conversation is cut for it. */
async function checkContext({ named }: Opened, needs: Needs): Promise<void> {
  const deployment = named?.upstream.deployment;
  const obstacle = deployment && (await needs.findObstacle(deployment));
  if (deployment === undefined || obstacle === undefined || !isOfContext(obstacle)) return;
  throw new NoCapableDeploymentError(new Map([[deployment.name, obstacle]]));
}

/** Undefined where that would not help. */
async function cutToFit(
  { fleet, request }: Opened,
  { messages, fresh }: Conversation,
  error: unknown,
): Promise<Cut | undefined> {
  if (!(error instanceof NoCapableDeploymentError)) return undefined;
  const { promptLimit } = needsOf(request);
  const tooSmall = fleet.members
    .map(({ upstream }) => upstream.deployment)
    .filter(({ name }) => isOfContext(error.obstacles.get(name)));
  const limit = Math.max(0, ...tooSmall.map(promptLimit));
  const cut = await cutTurns(messages, fresh, request.upstreamBody, limit);
  return cut.left === 0 ? undefined : cut;
}
