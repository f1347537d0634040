import { type FoundAsk, findAsk, type Message } from '../asks/find-ask.ts';
import { adaptBody } from '../capabilities/adapt-body.ts';
import type { Capabilities } from '../capabilities/capabilities.ts';
import { findObstacle, promptLimitOf } from '../capabilities/find-obstacle.ts';
import { createLessons } from '../capabilities/lessons.ts';
import {
  type Requirements,
  requirementsOf,
  requirementsOfText,
} from '../capabilities/requirements.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import type { Ask } from '../routing/ask.ts';
import type { Tokens } from '../spending/cost.ts';

/** What a chat request asks. Another one is made only where its messages change. */
export type ChatAsk = Ask & { readonly request: ChatRequest };

/** The assumed length of a completion that the request does not limit, in tokens: some paragraphs. */
const COMPLETION_TOKENS = 500;

export function askOfChat(request: ChatRequest): ChatAsk {
  const requirements = requirementsOf(request);
  const { require_parameters: isStrict } = request.routing;
  return {
    ...toAsk(request.messages, requirements),
    request,
    findObstacle: ({ capabilities }) => {
      const obstacle = findObstacle(requirements, capabilities);
      if (!isStrict) return obstacle;
      return Promise.resolve(obstacle).then((found) => found ?? findDropped(request, capabilities));
    },
  };
}

/** A single user message of this text. */
export function askOfText(text: string): Ask {
  return toAsk([{ role: 'user', content: text }], requirementsOfText(text));
}

function toAsk(messages: readonly Message[], requirements: Requirements): Ask {
  const { completionTokens, completions, promptSize } = requirements;
  let tokens: Tokens | undefined;
  let reading: { readonly found: FoundAsk | undefined } | undefined;
  return {
    // Only on demand: a request that names its deployment is not scored.
    found: () => {
      reading ??= { found: findAsk(messages) };
      return reading.found;
    },
    findObstacle: ({ capabilities }) => findObstacle(requirements, capabilities),
    tokens: () => {
      tokens ??= {
        prompt: promptSize().estimate(),
        completion: (completionTokens || COMPLETION_TOKENS) * completions,
      };
      return tokens;
    },
    promptLimit: ({ capabilities }) => promptLimitOf(requirements, capabilities),
  };
}

/** Names the parameters that would not reach a model unchanged, as far as its capabilities are known. */
function findDropped(
  { upstreamBody }: ChatRequest,
  capabilities: Capabilities,
): string | undefined {
  const { warnings } = adaptBody(upstreamBody, capabilities, createLessons());
  // A parameter that is only renamed keeps its meaning.
  const changed = warnings.filter((warning) => !warning.includes(';renamed='));
  return changed.length === 0 ? undefined : `parameters as they are (${changed.join(', ')})`;
}
