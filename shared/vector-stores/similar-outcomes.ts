import { embedTexts } from './embed-items.ts';
import type { StoreRecords } from './store-records.ts';
import type { TextEmbedder } from './text-embedder.ts';
import type { Hit, VectorEngine } from './vector-engine.ts';
import type { VectorStore } from './vector-store.ts';

/** Finds prompts similar to a given one for which the quality of the models' answers is recorded. */
export type SimilarOutcomes = {
  /** Returns undefined if there is no store of outcomes. */
  ofText(text: string, limit: number, signal: AbortSignal): Promise<readonly Hit[] | undefined>;
  /** The same for an embedded prompt; returns undefined as well if the store has another embedder. */
  ofEmbedding(
    embedder: string,
    embedding: Float32Array,
    limit: number,
  ): Promise<readonly Hit[] | undefined>;
};

type OutcomesOptions = {
  readonly records: Pick<StoreRecords, 'findOutcomes'>;
  readonly engine: Pick<VectorEngine, 'search'>;
  readonly embedders: readonly TextEmbedder[];
  readonly now?: () => number;
};

/** The longest time until a new or removed store of outcomes is noticed. */
const LOOK_AGAIN_MS = 30_000;

export function createSimilarOutcomes(options: OutcomesOptions): SimilarOutcomes {
  const { records, engine, embedders, now = () => performance.now() } = options;
  let looked = { at: Number.NEGATIVE_INFINITY, store: undefined as VectorStore | undefined };

  async function findStore(): Promise<VectorStore | undefined> {
    if (now() - looked.at > LOOK_AGAIN_MS)
      looked = { at: now(), store: await records.findOutcomes() };
    return looked.store;
  }

  return {
    ofText: async (text, limit, signal) => {
      const store = await findStore();
      if (store === undefined) return undefined;
      const [embedding] = await embedTexts({ embedders, store, whom: { signal } }, [
        { text, param: 'prompt' },
      ]);
      return embedding && engine.search(store, { embedding, limit });
    },
    ofEmbedding: async (embedder, embedding, limit) => {
      const store = await findStore();
      const isLike = store?.embedder === embedder && store.dimensions === embedding.length;
      return isLike ? engine.search(store, { embedding, limit }) : undefined;
    },
  };
}
