import { InvalidRequestError } from '../base/errors.ts';
import type { Capabilities, Feature } from './capabilities.ts';
import { effortFor, refusesSampling } from './reasoning.ts';
import type { Requirements } from './requirements.ts';

type Need = Feature | 'context';

/** Something that a deployment lacks, in words; undefined when it lacks nothing. */
export type Obstacle = string | undefined;

/** The words for each obstacle, and the field of the request that causes it. */
const OBSTACLES: Readonly<Record<Need, readonly [words: string, param: string]>> = {
  tools: ['tools', 'tools'],
  parallel_tools: ['parallel tool calls', 'parallel_tool_calls'],
  images: ['images', 'messages'],
  audio: ['audio', 'messages'],
  files: ['files', 'messages'],
  json_schema: ['response_format json_schema', 'response_format'],
  json_object: ['response_format json_object', 'response_format'],
  logprobs: ['logprobs', 'logprobs'],
  n: ['n above 1', 'n'],
  stop: ['stop', 'stop'],
  context: ['context window', 'messages'],
};

/**
 * Finds the first requirement that a deployment cannot meet, in words; undefined when it meets all.
 */
export function findObstacle(
  requirements: Requirements,
  capabilities: Capabilities,
): Obstacle | Promise<Obstacle> {
  const lacked = requirements.features.find((feature) =>
    isLacked(feature, requirements, capabilities),
  );
  if (lacked !== undefined) return OBSTACLES[lacked][0];
  return findContextObstacle(requirements, capabilities);
}

/**
 * The error (400) of a request that no deployment can serve: the obstacle of each, by deployment
 * name.
 */
export class NoCapableDeploymentError extends InvalidRequestError {
  readonly obstacles: ReadonlyMap<string, string>;

  constructor(obstacles: ReadonlyMap<string, string>) {
    const all = [...obstacles].map(([name, obstacle]) => `${name}: ${obstacle}`).join('; ');
    const params = new Set([...obstacles.values()].map(paramOf));
    const [param] = params;
    super(
      `No deployment can serve this request. Each lacks something: ${all}. Remove it from the request.`,
      {
        code: 'no_capable_deployment',
        ...(params.size === 1 && param !== undefined && { param }),
      },
    );
    this.obstacles = obstacles;
  }
}

/** Whether the deployment only lacks room for a prompt of this length. */
export function isOfContext(obstacle: string | undefined): boolean {
  return obstacle?.startsWith(`${OBSTACLES.context[0]} (`) ?? false;
}

/** Room for an answer without a limit in the request: some pages, or an eighth of the context. */
const RESERVED_TOKENS = 4_096;
const RESERVED_SHARE = 1 / 8;

/** Returns the most tokens of a prompt that leave room for its answer; infinite if not known. */
export function promptLimitOf(
  { completionTokens }: Pick<Requirements, 'completionTokens'>,
  { contextTokens, inputTokens, outputTokens = Number.POSITIVE_INFINITY }: Capabilities,
): number {
  const context = contextTokens ?? Number.POSITIVE_INFINITY;
  const reserved = Math.min(RESERVED_TOKENS, context * RESERVED_SHARE);
  const completion = Math.min(completionTokens || reserved, outputTokens);
  return Math.min(inputTokens ?? Number.POSITIVE_INFINITY, Math.floor(context - completion));
}

function isLacked(
  feature: Feature,
  requirements: Requirements,
  capabilities: Capabilities,
): boolean {
  if (capabilities.lacks.has(feature)) return true;
  // Models whose reasoning can be turned off give logprobs only without it.
  return (
    feature === 'logprobs' && refusesSampling(capabilities, effortFor(capabilities, requirements))
  );
}

function findContextObstacle(
  { completionTokens, promptSize }: Requirements,
  { contextTokens, inputTokens, outputTokens = Number.POSITIVE_INFINITY }: Capabilities,
): Obstacle | Promise<Obstacle> {
  // A completion beyond the model's own limit is lowered to that.
  const completion = Math.min(completionTokens, outputTokens);
  const inputLimit = inputTokens ?? Number.POSITIVE_INFINITY;
  const sharedLimit = (contextTokens ?? Number.POSITIVE_INFINITY) - completion;
  const limit = Math.min(inputLimit, sharedLimit);
  if (limit === Number.POSITIVE_INFINITY) return undefined;
  const describe = (exceeds: boolean): Obstacle => {
    if (!exceeds) return undefined;
    const isShared = sharedLimit < inputLimit && completion > 0;
    const figures = isShared
      ? `${count(contextTokens)} tokens, less ${count(completion)} for the completion,`
      : `${count(limit)} tokens`;
    return `${OBSTACLES.context[0]} (${figures} are not enough)`;
  };
  const exceeds = promptSize().exceeds(limit);
  return typeof exceeds === 'boolean' ? describe(exceeds) : exceeds.then(describe);
}

function count(tokens: number | undefined): string {
  return (tokens ?? 0).toLocaleString('en-US');
}

function paramOf(obstacle: string): string | undefined {
  const known = Object.values(OBSTACLES).find(
    ([words]) => obstacle === words || obstacle.startsWith(`${words} (`),
  );
  return known?.[1];
}
