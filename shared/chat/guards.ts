import { adaptBody } from '../capabilities/adapt-body.ts';
import { findObstacle, promptLimitOf } from '../capabilities/find-obstacle.ts';
import { createLessons } from '../capabilities/lessons.ts';
import {
  type Requirements,
  requirementsOf,
  requirementsOfText,
} from '../capabilities/requirements.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import type { Needs } from '../routing/find-candidates.ts';
import type { Tokens } from '../spending/cost.ts';

/** What an answer is reckoned to have where the request sets no limit: some paragraphs. */
const COMPLETION_TOKENS = 500;

/** What a chat request needs of a deployment. */
export function needsOf(request: ChatRequest): Needs {
  const requirements = requirementsOf(request);
  return {
    findObstacle: ({ capabilities }) => {
      const obstacle = findObstacle(requirements, capabilities);
      if (!request.routing.require_parameters) return obstacle;
      return Promise.resolve(obstacle).then((found) => found ?? findDropped(request, capabilities));
    },
    tokens: () => tokensOf(requirements),
    promptLimit: ({ capabilities }) => promptLimitOf(requirements, capabilities),
  };
}

/** What a user's message needs of a deployment. */
export function needsOfText(text: string): Needs {
  const requirements = requirementsOfText(text);
  return {
    findObstacle: ({ capabilities }) => findObstacle(requirements, capabilities),
    tokens: () => tokensOf(requirements),
    promptLimit: ({ capabilities }) => promptLimitOf(requirements, capabilities),
  };
}

function tokensOf({ promptSize, completionTokens, completions }: Requirements): Tokens {
  return {
    prompt: promptSize().estimate(),
    completion: (completionTokens || COMPLETION_TOKENS) * completions,
  };
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
