import { adaptBody } from '../capabilities/adapt-body.ts';
import { findObstacle } from '../capabilities/find-obstacle.ts';
import { createLessons } from '../capabilities/lessons.ts';
import { requirementsOf, requirementsOfText } from '../capabilities/requirements.ts';
import type { FindObstacle } from '../find-candidates.ts';
import type { ChatRequest } from './chat-request.ts';

/** What of a chat request a deployment cannot serve. */
export function findObstacleFor(request: ChatRequest): FindObstacle {
  const requirements = requirementsOf(request);
  return async ({ capabilities }) =>
    (await findObstacle(requirements, capabilities)) ??
    (request.routing.require_parameters ? findDropped(request, capabilities) : undefined);
}

/** What of a user's message a deployment cannot serve. */
export function findObstacleForText(text: string): FindObstacle {
  const requirements = requirementsOfText(text);
  return ({ capabilities }) => findObstacle(requirements, capabilities);
}

/** The parameters that would not reach a model as they are, by what is known of it. */
function findDropped(
  { upstreamBody }: ChatRequest,
  capabilities: Parameters<typeof adaptBody>[1],
): string | undefined {
  const { warnings } = adaptBody(upstreamBody, capabilities, createLessons());
  // The same parameter by another name is taken.
  const changed = warnings.filter((warning) => !warning.includes(';renamed='));
  return changed.length === 0 ? undefined : `parameters as they are (${changed.join(', ')})`;
}
