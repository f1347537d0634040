import { findScorerModel } from './scorer-model.ts';
import type { ScorerEntry } from './scorer-registry.ts';
import { findStandIn } from './stand-ins.ts';

type ModelPair = ScorerEntry['defaultPair'];

/** The scorer's model by which a deployment is scored. */
export type ScoredAs = {
  readonly model: string;
  /** True if it is another model than that of the deployment, and nobody named it. */
  readonly isStandIn: boolean;
  /** The reason, a part of a sentence. */
  readonly why: string;
};

export type ScoredPair = Readonly<Record<'strong' | 'weak', ScoredAs>>;

/** Returns the mean score of a scorer's model on the held-out prompts. */
export type StrengthOf = (model: string) => number;

/**
 * The part of the stand-in pair's distance that two models must be apart. Nearer ones differ more
 * by what each is good at than by strength, and one pair in ten then ranks everyday prompts above
 * expert ones: `npm run measure -- stand-ins` has the figures.
 */
export const FAR_APART = 0.6;

/** Returns the pair that does best for two models of which nothing is known. */
export function unknownPairOf({ standIns, defaultPair }: ScorerEntry): ModelPair {
  return standIns ?? defaultPair;
}

/** Whether two models differ enough in strength to tell prompts apart. */
export function isFarApart(entry: ScorerEntry, pair: ModelPair, strengthOf: StrengthOf): boolean {
  const distanceOf = ({ strong, weak }: ModelPair) => strengthOf(strong) - strengthOf(weak);
  return distanceOf(pair) >= FAR_APART * distanceOf(unknownPairOf(entry));
}

/** Finds the scorer's model of one deployment by the name of its model; undefined for a name of no known family. */
export function scoreByName(entry: ScorerEntry, modelName: string): ScoredAs | undefined {
  const own = findScorerModel(entry, modelName);
  if (own !== undefined) return { model: own, isStandIn: false, why: 'the scorer knows it' };
  const standIn = findStandIn(entry, modelName);
  return standIn && { ...standIn, isStandIn: true };
}

/** Takes the model that somebody named, whether the scorer knows it or not. */
export function scoreByWish(model: string, where: string): ScoredAs {
  return { model, isStandIn: false, why: `${where} names it` };
}

/**
 * Chooses the pair that stands for the two deployments of the settings, by the names of their
 * models. Where a name says nothing, or the two that stand for them are too near to each other to
 * tell prompts apart, it is the pair that does best for unknown models.
 */
export function scorePair(
  entry: ScorerEntry,
  deployed: ModelPair,
  strengthOf: StrengthOf | undefined,
): ScoredPair {
  const unknown = unknownPairOf(entry);
  const standFor = (why: string): ScoredPair => ({
    strong: { model: unknown.strong, isStandIn: true, why },
    weak: { model: unknown.weak, isStandIn: true, why },
  });
  const strong = scoreByName(entry, deployed.strong);
  const weak = scoreByName(entry, deployed.weak);
  if (strong === undefined || weak === undefined) {
    const nameless = strong === undefined ? deployed.strong : deployed.weak;
    return standFor(
      `the scorer knows no model like "${nameless}", and this pair does best for unknown ones`,
    );
  }
  if (strengthOf === undefined)
    return standFor('this pair does best for models of the scorer that are not known better');
  const named = { strong: strong.model, weak: weak.model };
  if (isFarApart(entry, named, strengthOf)) return { strong, weak };
  return standFor(
    `${strong.model} and ${weak.model}, by the names of the two models, are too near to each other to tell prompts apart, which this pair does best`,
  );
}
