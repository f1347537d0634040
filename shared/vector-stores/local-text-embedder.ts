import { setImmediate } from 'node:timers/promises';
import { MAX_TOKENS } from '../prompt-embedding/azure-embedder.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../prompt-embedding/local-embedder.ts';
import { shareUntilFailure } from '../storage/tables.ts';
import { FOLDED_DIMENSIONS, foldEmbedding } from './fold-embedding.ts';
import type { TextEmbedder } from './text-embedder.ts';

export const LOCAL_TEXT_EMBEDDER = `${LOCAL_EMBEDDER.id}-folded`;

/** Creates the embedder that runs in this process and needs no call. */
export function createLocalTextEmbedder(): TextEmbedder {
  const load = shareUntilFailure(() => loadLocalEmbedder());
  return {
    id: LOCAL_TEXT_EMBEDDER,
    findDimensions: async (wish = FOLDED_DIMENSIONS) =>
      wish === FOLDED_DIMENSIONS ? wish : undefined,
    maxTokens: MAX_TOKENS,
    embed: async (texts) => {
      const { embed } = await load();
      const embedded: Float32Array[] = [];
      for (const text of texts) {
        embedded.push(foldEmbedding(embed(text)));
        // Other requests get their turn between two texts.
        await setImmediate();
      }
      return embedded;
    },
  };
}
