import { ConfigError } from '../base/errors.ts';
import { findScorerModel } from './scorer-model.ts';
import {
  type Calibration,
  findScorer,
  type ScorerEntry,
  type ScorerRegistry,
} from './scorer-registry.ts';
import {
  type ScoredAs,
  type ScoredPair,
  type StrengthOf,
  scoreByWish,
  scorePair,
  unknownPairOf,
} from './stand-in-choice.ts';

/** Two of the scorer's models: the win rate is that of `strong` over `weak`. */
export type ModelPair = { readonly strong: string; readonly weak: string };

/**
 * The scorer to load, the two of its models that stand for the deployments, and their calibration.
 */
export type ScorerChoice = {
  readonly entry: ScorerEntry;
  readonly pair: ModelPair;
  /** How the pair was chosen. */
  readonly scoredAs: ScoredPair;
  readonly calibration?: ChosenCalibration;
};

/** A calibration with its name `id@version`, as answers give it. */
export type ChosenCalibration = Calibration & { readonly name: string };

type ScorerWish = {
  readonly name: string;
  /** The scorer's models that the settings name. */
  readonly strong?: string;
  readonly weak?: string;
  /** The names of the models of the two deployments; absent: nothing is known of them. */
  readonly deployed?: ModelPair;
  readonly strengthOf?: StrengthOf | undefined;
  /** The `id` or `id@version` of a calibration; default: the newest of the pair. */
  readonly calibration?: string;
  readonly needsCalibration: boolean;
};

/**
 * Finds the scorer that the settings name. Throws a ConfigError that lists each name that does not
 * fit.
 */
export function resolveScorer(registry: ScorerRegistry, wish: ScorerWish): ScorerChoice {
  const entry = findScorer(registry, wish.name, 'ROUTER_SCORER');
  const scoredAs = scoreDeployments(entry, wish);
  const pair = { strong: scoredAs.strong.model, weak: scoredAs.weak.model };
  const problems = [
    ...checkModel(entry, 'STRONG_SCORER_MODEL', pair.strong),
    ...checkModel(entry, 'WEAK_SCORER_MODEL', pair.weak),
  ];
  if (pair.strong === pair.weak) {
    problems.push(
      `STRONG_SCORER_MODEL and WEAK_SCORER_MODEL are both "${pair.strong}": a model has no win rate over itself.`,
    );
  }
  const known = calibrationsOf(entry, pair);
  const calibration = findCalibration(known, wish.calibration);
  if (problems.length === 0 && wish.calibration !== undefined && calibration === undefined) {
    const names = known.map(({ name }) => name).join(', ');
    problems.push(
      `ROUTER_CALIBRATION names "${wish.calibration}", which is not a calibration of ${entry.id} for ${pair.strong} over ${pair.weak}. It has ${names || 'none'}.`,
    );
  } else if (problems.length === 0 && wish.needsCalibration && !canCalibrate(entry, calibration)) {
    problems.push(
      `ROUTER_STRONG_SHARE needs a calibration, and the scorer ${entry.id} has none for ${pair.strong} over ${pair.weak}: make one with npm run model:calibrate, or set ROUTER_THRESHOLD instead.`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { entry, pair, scoredAs, ...(calibration && { calibration }) };
}

/** Takes the models that the settings name, or else chooses them by the names of the deployments' models. */
function scoreDeployments(entry: ScorerEntry, wish: ScorerWish): ScoredPair {
  const { strong, weak, deployed, strengthOf } = wish;
  const unknown = unknownPairOf(entry);
  if (strong === undefined && weak === undefined && deployed !== undefined) {
    return scorePair(entry, deployed, strengthOf);
  }
  const scoreOne = (tier: keyof ModelPair): ScoredAs => {
    const named = wish[tier];
    if (named === undefined) return { model: unknown[tier], isStandIn: true, why: UNNAMED };
    return scoreByWish(
      findScorerModel(entry, named) ?? named,
      `${tier.toUpperCase()}_SCORER_MODEL`,
    );
  };
  return { strong: scoreOne('strong'), weak: scoreOne('weak') };
}

/** Why a deployment has a stand-in whose name does not matter. */
const UNNAMED = 'it is of the pair that does best for unknown models';

function canCalibrate(entry: ScorerEntry, calibration: ChosenCalibration | undefined): boolean {
  return calibration !== undefined || entry.heldOutScores !== undefined;
}

/** Returns the calibrations of a pair in the order of the registry, the newest last. */
function calibrationsOf(entry: ScorerEntry, pair: ModelPair): readonly ChosenCalibration[] {
  return entry.calibrations
    .filter(({ strong, weak }) => strong === pair.strong && weak === pair.weak)
    .map((calibration) => ({ ...calibration, name: `${calibration.id}@${calibration.version}` }));
}

function findCalibration(
  known: readonly ChosenCalibration[],
  wish: string | undefined,
): ChosenCalibration | undefined {
  return known.findLast(({ id, name }) => wish === undefined || wish === id || wish === name);
}

function checkModel({ id, models }: ScorerEntry, setting: string, model: string): string[] {
  if (models.includes(model)) return [];
  return [`${setting}: the scorer ${id} does not know "${model}". It knows ${models.join(', ')}.`];
}
