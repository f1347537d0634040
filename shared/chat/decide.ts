import { isOfContext, NoCapableDeploymentError } from '../capabilities/find-obstacle.ts';
import { withMessages } from '../chat-format/chat-request.ts';
import { readControls } from '../policy/controls.ts';
import type { SessionPolicy } from '../policy/session.ts';
import type { FindPolicy } from '../registry/use-case-policy.ts';
import type { Controller, RouteRequest } from '../routing/controller.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import { cutTurns } from '../threads/turns.ts';
import { askOfChat, type ChatAsk } from './chat-ask.ts';
import { type Continued, continueThread } from './continue-thread.ts';
import type { Conversation } from './conversations.ts';
import type { Opened, OpenOptions } from './open-request.ts';

export type DecideOptions = OpenOptions & {
  readonly controller: Controller;
  readonly findPolicy: FindPolicy;
  readonly session: SessionPolicy;
};

/** A request whose deployment has been chosen. */
export type Decided = Opened & {
  readonly decision: RoutingDecision;
  /** The thread that it continues; absent when it continues none. */
  readonly continued?: Continued;
};

/**
 * Chooses the deployment that answers. Where a conversation is too long for all deployments, only its
 * newest turns are sent.
 */
export async function decide(options: DecideOptions, opened: Opened): Promise<Decided> {
  const { conversation } = opened;
  if (conversation === undefined) return { ...opened, decision: await route(options, opened) };
  const { unread } = conversation;
  try {
    return await decideContinued(options, opened, { conversation, unsent: unread });
  } catch (error) {
    const cut = await cutToFit(opened, conversation, error);
    if (cut === undefined) throw error;
    const unsent = cut.left + unread;
    return decideContinued(options, { ...opened, ask: cut.ask }, { conversation, unsent });
  }
}

async function decideContinued(
  options: DecideOptions,
  opened: Opened,
  sent: { readonly conversation: Conversation; readonly unsent: number },
): Promise<Decided> {
  await checkContext(opened);
  const affinity = opened.ask.request.routing.session_affinity ?? options.session.affinity;
  const continued = continueThread(sent, affinity, opened.fleet);
  const session = continued.session && { ...options.session, ...continued.session };
  return { ...opened, decision: await route(options, opened, session), continued };
}

function route(
  { controller, findPolicy }: DecideOptions,
  { call, ask, fleet, controls, named }: Opened,
  session?: RouteRequest['session'],
): Promise<RoutingDecision> {
  return controller.route({
    fleet,
    ask,
    controls: readControls(ask.request.routing, call.header, controls),
    signal: call.signal,
    caller: call.caller,
    useCase: call.useCase,
    policy: findPolicy(fleet, call.useCase),
    ...(session && { session }),
    ...(named && { named }),
  });
}

/** A named deployment is asked for anything that it is sent, but a conversation is cut to fit it. */
async function checkContext({ named, ask }: Opened): Promise<void> {
  const deployment = named?.upstream.deployment;
  const obstacle = deployment && (await ask.findObstacle(deployment));
  if (deployment === undefined || obstacle === undefined || !isOfContext(obstacle)) return;
  throw new NoCapableDeploymentError(new Map([[deployment.name, obstacle]]));
}

/** The ask of the newest turns, and how many messages it leaves out; undefined where cutting does not help. */
async function cutToFit(
  { fleet, ask }: Opened,
  { messages, fresh }: Conversation,
  error: unknown,
): Promise<{ readonly ask: ChatAsk; readonly left: number } | undefined> {
  if (!(error instanceof NoCapableDeploymentError)) return undefined;
  const tooSmall = fleet.members
    .map(({ upstream }) => upstream.deployment)
    .filter(({ name }) => isOfContext(error.obstacles.get(name)));
  const limit = Math.max(0, ...tooSmall.map(ask.promptLimit));
  const { request } = ask;
  const cut = await cutTurns({ messages, fresh }, request.upstreamBody, limit);
  if (cut.left === 0) return undefined;
  return { ask: askOfChat(withMessages(request, cut.messages)), left: cut.left };
}
