import type { TokenCredential } from '@azure/identity';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import { load, type Scorer } from '../../shared/matrix-factorization/scorer.ts';
import {
  ENCODER_EMBEDDER,
  withoutSentence,
} from '../../shared/prompt-embedding/encoder-embedder.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import type { GetToken } from '../../shared/upstream/entra-token.ts';
import { azureTextEmbedder } from '../../shared/vector-stores/azure-text-embedder.ts';
import { foldEmbedding } from '../../shared/vector-stores/fold-embedding.ts';
import { createKnnScorer } from '../../shared/vector-stores/knn-scorer.ts';
import { LOCAL_TEXT_EMBEDDER } from '../../shared/vector-stores/local-text-embedder.ts';
import type { SimilarOutcomes } from '../../shared/vector-stores/similar-outcomes.ts';
import { createEmbedding, type Embedding } from './create-embedding.ts';

/** The way from a prompt to its win rate. */
export type Scoring = {
  readonly prompts: Embedding;
  readonly scorer: Scorer;
};

type ScoringOptions = {
  readonly config: Config;
  /** The recorded outcomes that can vote; absent: nothing is kept. */
  readonly outcomes: SimilarOutcomes | undefined;
  readonly getToken: GetToken;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly callLimits: CallLimits;
  readonly background: Background;
  readonly log: Log;
};

/** Throws a ConfigError when a file of the scorer or of the local embedder cannot be used. */
export async function createScoring(options: ScoringOptions): Promise<Scoring> {
  const { dimensions } = options.config.scorer.entry;
  // Concurrently: the word vectors are read while the scorer is made ready.
  const [prompts, scorer] = await Promise.all([
    createEmbedding({ ...options, dimensions }),
    loadScorer(options),
  ]);
  return { prompts, scorer };
}

/** Loads the scorer, with the votes of recorded outcomes if they are configured. */
async function loadScorer({ config, outcomes, log }: ScoringOptions): Promise<Scorer> {
  const { scorer, modelsFolder, isKnn, isOwnEmbedder, embedding } = config;
  const base = await load(scorer.entry, modelsFolder);
  if (!isKnn) return base;
  const embedder = isOwnEmbedder
    ? LOCAL_TEXT_EMBEDDER
    : azureTextEmbedder(embedding?.modelName ?? '');
  const localPart = (one: Float32Array) =>
    scorer.entry.embedder === ENCODER_EMBEDDER.id ? withoutSentence(one) : one;
  return createKnnScorer({
    base,
    log,
    findNearest: async (one, limit) =>
      outcomes?.ofEmbedding(embedder, isOwnEmbedder ? foldEmbedding(localPart(one)) : one, limit),
  });
}
