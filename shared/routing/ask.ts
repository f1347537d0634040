import type { FoundAsk } from '../asks/find-ask.ts';
import type { Obstacle } from '../capabilities/find-obstacle.ts';
import type { Tokens } from '../spending/cost.ts';
import type { Deployment } from '../upstream/deployment.ts';

/** A request as routing sees it: the text to score, its needs and its size. */
export type Ask = {
  /**
   * Finds the ask in the messages, whose text is scored; undefined when there is no text, such as with
   * images only.
   */
  found(): FoundAsk | undefined;
  /** Names what a deployment lacks for the request; undefined when it can serve all of it. */
  findObstacle(deployment: Deployment): Obstacle | Promise<Obstacle>;
  /** Estimates the tokens of the prompt and of the completion. */
  tokens(): Tokens;
  /** The most tokens that the prompt may have with a deployment; infinite when that is not known. */
  promptLimit(deployment: Deployment): number;
};
