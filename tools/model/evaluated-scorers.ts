import { basename } from 'node:path';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';
import type { EvaluatedScorer } from './evaluation-scorers.ts';
import { canonicalModel } from './model-names.ts';
import { nearestPair } from './nearest-pair.ts';
import { type PerScorer, readPerScorer } from './per-scorer-option.ts';
import { loadPromptHashes } from './prompt-hashes.ts';

type Wish = { readonly modelsFolder: string; readonly pair: ModelPair };

/** Finds the scorers of an evaluation, and the two models of each that stand for the pair. */
export async function findEvaluatedScorers(
  commandLine: CommandLine,
  { modelsFolder, pair }: Wish,
): Promise<EvaluatedScorer[]> {
  const registry = await loadRegistry(modelsFolder);
  const named = commandLine.all('scorer');
  const names = [...new Set(named.length === 0 ? ['local'] : named)];
  const strong = readPerScorer(commandLine, 'scorer-strong', names);
  const weak = readPerScorer(commandLine, 'scorer-weak', names);
  const embeddings = readPerScorer(commandLine, 'embeddings', names);
  return Promise.all(
    names.map(async (name) => {
      const entry = findScorer(registry, name);
      warnOfFiles(entry, name, commandLine.all('data'));
      return {
        name,
        entry,
        pair: choosePair(entry, pair, {
          strong: valueFor(strong, name),
          weak: valueFor(weak, name),
        }),
        embeddingsFile: valueFor(embeddings, name),
        seen: await loadPromptHashes(entry, modelsFolder),
      };
    }),
  );
}

function valueFor({ all, byScorer }: PerScorer, name: string): string | undefined {
  return byScorer.get(name) ?? all;
}

/** Warns of a scorer whose prompts are not known, but whose files are. */
function warnOfFiles(entry: ScorerEntry, name: string, data: readonly string[]): void {
  for (const file of data.map((path) => basename(path))) {
    if (!entry.trainedOn.includes(file)) continue;
    console.error(
      `WARNING: ${name} was trained on ${file}: its figures on that file say nothing about other prompts.`,
    );
  }
}

type Named = { readonly strong: string | undefined; readonly weak: string | undefined };

/** Chooses the named models, or else those that are nearest to the pair. */
function choosePair(entry: ScorerEntry, pair: ModelPair, named: Named): ModelPair {
  const nearest = nearestPair(entry, pair);
  const chosen = checkStandIns(entry, {
    strong: named.strong === undefined ? nearest.strong : canonicalModel(named.strong),
    weak: named.weak === undefined ? nearest.weak : canonicalModel(named.weak),
  });
  const isPair = chosen.strong === pair.strong && chosen.weak === pair.weak;
  const hint =
    isPair || named.strong !== undefined || named.weak !== undefined
      ? ''
      : `, as nearest to ${pair.strong} and ${pair.weak} (--scorer-strong and --scorer-weak choose others)`;
  console.error(`${entry.id} predicts ${chosen.strong} over ${chosen.weak}${hint}.`);
  return chosen;
}

function checkStandIns({ id, models }: ScorerEntry, pair: ModelPair): ModelPair {
  for (const model of [pair.strong, pair.weak]) {
    if (models.includes(model)) continue;
    throw new InputError(
      `The scorer ${id} does not know "${model}": name two of its models with --scorer-strong ${id}=<model> and --scorer-weak ${id}=<model>. It knows ${models.join(', ')}.`,
    );
  }
  if (pair.strong !== pair.weak) return pair;
  throw new InputError(`The strong and the weak model of ${id} are both "${pair.strong}".`);
}
