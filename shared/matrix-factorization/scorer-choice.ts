import { ConfigError } from '../base/errors.ts';
import knownModels from './known-models.json' with { type: 'json' };
import {
  type Calibration,
  findScorer,
  type ScorerEntry,
  type ScorerRegistry,
} from './scorer-registry.ts';

/** Two of the scorer's models: the win rate is that of `strong` over `weak`. */
export type ModelPair = { readonly strong: string; readonly weak: string };

/**
 * The scorer to load, the two of its models that stand for the deployments, and their calibration.
 */
export type ScorerChoice = {
  readonly entry: ScorerEntry;
  readonly pair: ModelPair;
  readonly calibration?: ChosenCalibration;
};

/** A calibration with its name `id@version`, as answers give it. */
export type ChosenCalibration = Calibration & { readonly name: string };

type ScorerWish = {
  readonly name: string;
  readonly strong?: string;
  readonly weak?: string;
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
  const pair = {
    strong: findModel(entry, wish.strong ?? entry.defaultPair.strong),
    weak: findModel(entry, wish.weak ?? entry.defaultPair.weak),
  };
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
  return { entry, pair, ...(calibration && { calibration }) };
}

function canCalibrate(entry: ScorerEntry, calibration: ChosenCalibration | undefined): boolean {
  return calibration !== undefined || entry.heldOutScores !== undefined;
}

/** Returns the scorer's model that a name stands for; undefined when it has none of that name. */
export function findScorerModel(entry: ScorerEntry, name: string): string | undefined {
  const model = findModel(entry, name);
  return entry.models.includes(model) ? model : undefined;
}

/** Returns the scorer's name of a model: `gpt-4o` stands for one of several versions. */
function findModel({ models }: ScorerEntry, name: string): string {
  if (models.includes(name)) return name;
  const full = new Map(Object.entries(knownModels)).get(name.toLowerCase());
  const inOtherCase = models.find((model) => model.toLowerCase() === name.toLowerCase());
  return inOtherCase ?? (full !== undefined && models.includes(full) ? full : name);
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
