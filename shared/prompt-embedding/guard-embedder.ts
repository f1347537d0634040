import type { Circuit } from '../upstream/circuit.ts';
import type { RemoteEmbedder } from './embedders.ts';

/**
 * Statuses of requests that the embedder understood and refused: the prompt or the settings are at
 * fault.
 */
const REFUSED = [400, 401, 403, 413, 422];

/**
 * Wraps an embedder so that it is not called while its circuit is open, and no chat waits for it.
 */
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
        // No other embedder could show whether the prompt is at fault.
        report(isRefusal(error) ? 'alive' : 'unclear');
        throw error;
      }
    },
  };
}

function isRefusal(error: unknown): boolean {
  const status = (error as { readonly status?: unknown } | null | undefined)?.status;
  return typeof status === 'number' && REFUSED.includes(status);
}
