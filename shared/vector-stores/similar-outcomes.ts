import { embedTexts } from './embed-items.ts';
import type { StoreRecords } from './store-records.ts';
import type { TextEmbedder } from './text-embedder.ts';
import type { Hit, VectorEngine } from './vector-engine.ts';
import type { VectorStore } from './vector-store.ts';

/** Prompts like one, of which it is recorded how well models have answered them. */
export type SimilarOutcomes = {
  /** Undefined where no store of outcomes is there. */
  ofText(text: string, limit: number, signal: AbortSignal): Promise<readonly Hit[] | undefined>;
  /** The same of a prompt that is embedded already; undefined where the store is of another embedder. */
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

/** A store that is new, or gone, is noticed after so long. */
const LOOK_AGAIN_MS = 30_000;

export function createSimilarOutcomes(options: OutcomesOptions): SimilarOutcomes {
  const { records, engine, embedders, now = Date.now } = options;
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
      const [embedding] = await embedTexts({ embedders, store, signal }, [
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
