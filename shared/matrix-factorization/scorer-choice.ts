import { ConfigError } from '../base/errors.ts';
import knownModels from './known-models.json' with { type: 'json' };
import { type Calibration, findScorer, type ScorerEntry, type ScorerRegistry } from './registry.ts';

/** Two of the scorer's models: the win rate is that of `strong` over `weak`. */
export type ModelPair = { readonly strong: string; readonly weak: string };

/** The scorer to load, which of its models stand for the deployments, and their calibration. */
export type ScorerChoice = {
  readonly entry: ScorerEntry;
  readonly pair: ModelPair;
  readonly calibration?: ChosenCalibration;
};

/** `name` is `id@version`, as answers give it. */
export type ChosenCalibration = Calibration & { readonly name: string };

type ScorerWish = {
  readonly name: string;
  readonly strong?: string;
  readonly weak?: string;
  /** `id` or `id@version` of a calibration; absent: the newest of the pair. */
  readonly calibration?: string;
  readonly needsCalibration: boolean;
};

/** Finds what the settings name. Throws a ConfigError that lists each name that does not fit. */
export function resolveScorer(registry: ScorerRegistry, wish: ScorerWish): ScorerChoice {
  const entry = findScorer(registry, wish.name, 'ROUTER_SCORER');
  const pair = {
    strong: findModel(entry, wish.strong ?? entry.defaultPair.strong),
    weak: findModel(entry, wish.weak ?? entry.defaultPair.weak),
  };
  const problems: string[] = [];
  checkModel(entry, 'STRONG_SCORER_MODEL', pair.strong, problems);
  checkModel(entry, 'WEAK_SCORER_MODEL', pair.weak, problems);
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
      `ROUTER_CALIBRATION names "${wish.calibration}", which is no calibration of ${entry.id} for ${pair.strong} over ${pair.weak}. It has ${names || 'none'}.`,
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

/** The scorer's model that is meant; undefined when it has none of the name. */
export function findScorerModel(entry: ScorerEntry, name: string): string | undefined {
  const model = findModel(entry, name);
  return entry.models.includes(model) ? model : undefined;
}

/** The name of the scorer's model that is meant: `gpt-4o` is one of several by that name. */
function findModel({ models }: ScorerEntry, name: string): string {
  if (models.includes(name)) return name;
  const full = new Map(Object.entries(knownModels)).get(name.toLowerCase());
  const inOtherCase = models.find((model) => model.toLowerCase() === name.toLowerCase());
  return inOtherCase ?? (full !== undefined && models.includes(full) ? full : name);
}

/** In the order of the registry, the newest last. */
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

function checkModel(entry: ScorerEntry, setting: string, model: string, problems: string[]): void {
  if (entry.models.includes(model)) return;
  problems.push(
    `${setting}: the scorer ${entry.id} does not know "${model}". It knows ${entry.models.join(', ')}.`,
  );
}
