import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';
import { findEvaluatedScorers } from './evaluated-scorers.ts';
import { DEFAULT_SETTINGS, type EvaluationSettings } from './evaluation.ts';
import type { AucSources } from './evaluation-auc.ts';
import type { EvaluationData } from './evaluation-data.ts';
import type { Prices } from './evaluation-scopes.ts';
import type { EvaluatedScorer } from './evaluation-scorers.ts';
import { canonicalModel } from './model-names.ts';

/** The command line's request, read and checked before any data is read. */
export type EvaluationWish = {
  readonly data: EvaluationData;
  readonly scorers: readonly EvaluatedScorer[];
  readonly settings: EvaluationSettings;
  readonly modelsFolder: string;
  readonly aucSources: AucSources | undefined;
  readonly outFolder: string | undefined;
};

/** More resamples would take too long, and change no digit that is shown. */
const MAX_RESAMPLES = 100_000;

/** Reads the command line. Throws an InputError or a ConfigError for an impossible request. */
export async function readWish(commandLine: CommandLine): Promise<EvaluationWish> {
  const pair = {
    strong: canonicalModel(commandLine.required('strong')),
    weak: canonicalModel(commandLine.required('weak')),
  };
  if (pair.strong === pair.weak) {
    throw new InputError(`--strong and --weak are both "${pair.strong}".`);
  }
  const paths = commandLine.all('data');
  if (paths.length === 0) throw new InputError('--data is missing: it names JSON lines.');
  const aucSources = readAucSources(commandLine.text('auc'));
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  return {
    data: {
      paths,
      pair,
      tolerance: {
        maxBad: commandLine.integer('max-bad-lines', 0),
        report: (line) => console.error(line),
      },
      alsoSources: aucSources ? [aucSources.lower, aucSources.higher] : [],
    },
    scorers: await findEvaluatedScorers(commandLine, { modelsFolder, pair }),
    settings: readSettings(commandLine),
    modelsFolder,
    aucSources,
    outFolder: commandLine.text('out'),
  };
}

function readSettings(commandLine: CommandLine): EvaluationSettings {
  const prices = readPrices(commandLine);
  const resamples = commandLine.integer('resamples', DEFAULT_SETTINGS.resamples);
  if (resamples > MAX_RESAMPLES) {
    throw new InputError(`--resamples must be at most ${MAX_RESAMPLES}, got ${resamples}.`);
  }
  return {
    resamples,
    seed: commandLine.integer('seed', DEFAULT_SETTINGS.seed),
    minRows: commandLine.integer('min-rows', DEFAULT_SETTINGS.minRows),
    ...(prices && { prices }),
  };
}

function readPrices(commandLine: CommandLine): Prices | undefined {
  const strong = readPrice(commandLine, 'strong-cost');
  const weak = readPrice(commandLine, 'weak-cost');
  if (strong === undefined && weak === undefined) return undefined;
  if (strong === undefined || weak === undefined || strong === 0) {
    throw new InputError('Give both --strong-cost, more than 0, and --weak-cost.');
  }
  return { strong, weak };
}

function readPrice(commandLine: CommandLine, name: string): number | undefined {
  const text = commandLine.text(name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,12})?$/.test(text)) return Number(text);
  throw new InputError(
    `--${name} must be US dollars for 1,000 requests, such as 12.50, got "${text}".`,
  );
}

/** Reads the value of `--auc`. */
export function readAucSources(text: string | undefined): AucSources | undefined {
  if (text === undefined) return undefined;
  const [lower, higher, ...rest] = text.split(':');
  if (lower && higher && rest.length === 0) return { lower, higher };
  throw new InputError(`--auc must name two sources, <lower>:<higher>, got "${text}".`);
}
