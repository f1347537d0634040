import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../shared/base/errors.ts';
import { resolveScorer } from '../../shared/matrix-factorization/scorer-choice.ts';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
  type ScorerRegistry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import pin from '../model/published-weights.json' with { type: 'json' };
import routeLlmModels from '../model/routellm-models.json' with { type: 'json' };
import { DEPLOYMENT_DEFAULTS, SCORER_DEFAULT } from './deployment-settings.ts';

type Values = Readonly<Record<string, string | undefined>>;

/** The templates' values of STRONG_SCORER_MODEL and WEAK_SCORER_MODEL. */
export const STAND_INS = { strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b-instruct-v0.1' };

const OWN_MODELS = fileURLToPath(new URL('../../models', import.meta.url));
const AZURE_EMBEDDER = /^azure-openai\//;

/**
 * Finds values that the package's scorer does not accept, in the words with which the app would
 * refuse to start. Throws a ConfigError when the registry cannot be read.
 */
export async function findScorerProblems(
  values: Values,
  modelsFolder = OWN_MODELS,
): Promise<readonly string[]> {
  const name = nameOf(values);
  const registry = await loadPlanned(modelsFolder);
  const needsCalibration = (values['ROUTER_STRONG_SHARE'] ?? '') !== '';
  try {
    const { entry } = resolveScorer(registry, { name, ...STAND_INS, needsCalibration });
    return embeddingProblems(entry, values['EMBEDDING_MODEL'] ?? '');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

/**
 * Tells whether prompts are embedded in Azure, so that an embedding cache is useful. Throws a
 * ConfigError.
 */
export async function hasEmbeddingCache(values: Values): Promise<boolean> {
  const registry = await loadPlanned(OWN_MODELS);
  return AZURE_EMBEDDER.test(findScorer(registry, nameOf(values), 'ROUTER_SCORER').embedder);
}

function nameOf(values: Values): string {
  return values['ROUTER_SCORER'] || SCORER_DEFAULT;
}

/**
 * Loads the scorers of the next package: those of the registry, and the published weights that it
 * fetches.
 */
async function loadPlanned(modelsFolder: string): Promise<ScorerRegistry> {
  const { scorers } = await loadRegistry(modelsFolder);
  return { scorers: scorers.some(({ id }) => id === pin.id) ? scorers : [...scorers, PUBLISHED] };
}

/** The published weights' registry entry, as it is after the import. */
export const PUBLISHED: ScorerEntry = {
  id: pin.id,
  version: '1',
  file: `${pin.id}/1/scorer.onnx`,
  sha256: pin.sha256,
  embedder: pin.embedder,
  dimensions: 1536,
  models: routeLlmModels,
  defaultPair: STAND_INS,
  trainedOn: pin.repository,
  figures: {},
  calibrations: [],
};

function embeddingProblems({ id, embedder }: ScorerEntry, given: string): string[] {
  const model = embedder.replace(AZURE_EMBEDDER, '');
  const planned = given || DEPLOYMENT_DEFAULTS.EMBEDDING_MODEL;
  if (!AZURE_EMBEDDER.test(embedder) || planned === model) return [];
  return [
    `EMBEDDING_MODEL is ${planned}, but the scorer ${id} was trained on ${model}: with other embeddings its win rates are meaningless. Set it: azd env set EMBEDDING_MODEL ${model}`,
  ];
}
