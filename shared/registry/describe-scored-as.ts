import * as z from 'zod';
import type { ScoredAs } from '../matrix-factorization/stand-in-choice.ts';

export const scoredAsSchema = z
  .object({
    model: z.string().describe("The scorer's model by which the deployment is scored."),
    stand_in: z
      .boolean()
      .describe("True if it is another model than the deployment's, and nobody named it."),
    why: z.string(),
  })
  .describe('How its win rates are predicted; absent: the router never chooses it.');

export type ScoredAsJson = z.infer<typeof scoredAsSchema>;

/** Describes it in an answer; without a field for a deployment that is not scored. */
export function describeScoredAs(scoredAs: ScoredAs | undefined): { scored_as?: ScoredAsJson } {
  if (scoredAs === undefined) return {};
  const { model, isStandIn, why } = scoredAs;
  return { scored_as: { model, stand_in: isStandIn, why } };
}
