import type { Circuit } from '../upstream/circuit.ts';
import type { RemoteEmbedder } from './prompt-embedding.ts';

/** What the embedder understood and refused: the prompt's or the operator's fault. */
const REFUSED = [400, 401, 403, 413, 422];

/** An embedder that is left alone while its circuit is open, so that no chat waits for it. */
export function guardEmbedder({ id, embed }: RemoteEmbedder, circuit: Circuit): RemoteEmbedder {
  return {
    id,
    embed: async (text) => {
      const report = await circuit.enter();
      try {
        const embedding = await embed(text);
        report('alive');
        return embedding;
      } catch (error) {
        report(isRefusal(error) ? 'alive' : 'failed');
        throw error;
      }
    },
  };
}

function isRefusal(error: unknown): boolean {
  const status = (error as { readonly status?: unknown } | null | undefined)?.status;
  return typeof status === 'number' && REFUSED.includes(status);
}
