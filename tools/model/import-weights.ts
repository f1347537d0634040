import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { writeProjectionGraph } from './projection-graph.ts';
import { registerScorer } from './register-scorer.ts';
import routeLlmModels from './routellm-models.json' with { type: 'json' };
import { toScorerFactors } from './routellm-scorer.ts';
import { parseSafetensors } from './safetensors.ts';

type WeightsImport = {
  /** A `model.safetensors` file in RouteLLM's layout. */
  readonly bytes: Uint8Array;
  /** Embedder that the weights were trained on, such as `azure-openai/text-embedding-3-small`. */
  readonly embedder: string;
  /** The scorer's name in the registry; the default is `routellm`. */
  readonly id?: string | undefined;
  /** The scorer's version; the default is `1`. */
  readonly version?: string | undefined;
  readonly isReplacing?: boolean;
  /** Model names in the order of the rows; the default is RouteLLM's 64 models. */
  readonly models?: readonly string[] | undefined;
  readonly strong?: string | undefined;
  readonly weak?: string | undefined;
  /** Origin of the weights, for the registry's `trainedOn`. */
  readonly source: string;
  readonly modelsFolder: string;
};

/** Default number of dimensions of Azure OpenAI's embedding models. */
const KNOWN_DIMENSIONS: ReadonlyMap<string, number> = new Map([
  ['azure-openai/text-embedding-3-small', 1536],
  ['azure-openai/text-embedding-3-large', 3072],
  ['azure-openai/text-embedding-ada-002', 1536],
]);

/**
 * Turns weights into a registered scorer. Throws an InputError, and changes nothing, when they do
 * not fit.
 */
export async function importWeights(weights: WeightsImport): Promise<ScorerEntry> {
  const { bytes, embedder, models = routeLlmModels, source, modelsFolder } = weights;
  const { isReplacing = false } = weights;
  const dimensions = KNOWN_DIMENSIONS.get(embedder);
  const factors = toScorerFactors(parseSafetensors(bytes), {
    models: models.length,
    ...(dimensions !== undefined && { dimensions }),
  });
  const rank = factors.modelFactors.length / models.length;
  const header = {
    id: weights.id ?? 'routellm',
    version: weights.version ?? '1',
    embedder,
    models,
    dimensions: factors.projection.length / rank,
  };
  return registerScorer({
    modelsFolder,
    isReplacing,
    header,
    bytes: writeProjectionGraph(header, factors),
    defaultPair: {
      strong: weights.strong ?? 'gpt-4-1106-preview',
      weak: weights.weak ?? 'mixtral-8x7b-instruct-v0.1',
    },
    trainedOn: `Imported weights in RouteLLM's layout (${source}).`,
  });
}
