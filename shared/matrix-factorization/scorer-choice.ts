import { ConfigError } from '../errors.ts';
import { type Calibration, findScorer, type ScorerEntry, type ScorerRegistry } from './registry.ts';

/** Two of the scorer's models: the win rate is that of `strong` over `weak`. */
export type ModelPair = { readonly strong: string; readonly weak: string };

/** The scorer to load, which of its models stand for the deployments, and their calibration. */
export type ScorerChoice = {
  readonly entry: ScorerEntry;
  readonly pair: ModelPair;
  readonly calibration?: Calibration;
};

type ScorerWish = {
  readonly name: string;
  readonly strong?: string;
  readonly weak?: string;
  readonly needsCalibration: boolean;
};

/** Finds what the settings name. Throws a ConfigError that lists each name that does not fit. */
export function resolveScorer(registry: ScorerRegistry, wish: ScorerWish): ScorerChoice {
  const entry = findScorer(registry, wish.name);
  const pair = {
    strong: wish.strong ?? entry.defaultPair.strong,
    weak: wish.weak ?? entry.defaultPair.weak,
  };
  const problems: string[] = [];
  checkModel(entry, 'STRONG_SCORER_MODEL', pair.strong, problems);
  checkModel(entry, 'WEAK_SCORER_MODEL', pair.weak, problems);
  if (pair.strong === pair.weak) {
    problems.push(
      `STRONG_SCORER_MODEL and WEAK_SCORER_MODEL are both "${pair.strong}": a model has no win rate over itself.`,
    );
  }
  const calibration = entry.calibrations.find(
    ({ strong, weak }) => strong === pair.strong && weak === pair.weak,
  );
  if (problems.length === 0 && wish.needsCalibration && calibration === undefined) {
    problems.push(
      `ROUTER_STRONG_SHARE needs a calibration, and the scorer ${entry.id} has none for ${pair.strong} over ${pair.weak}: set ROUTER_THRESHOLD instead.`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { entry, pair, ...(calibration && { calibration }) };
}

function checkModel(entry: ScorerEntry, setting: string, model: string, problems: string[]): void {
  if (entry.models.includes(model)) return;
  problems.push(
    `${setting}: the scorer ${entry.id} does not know "${model}". It knows ${entry.models.join(', ')}.`,
  );
}
