/*
 * The embedders, by the ids under which scorers name them:
 *
 *   local/<version>    local-embedder.ts, which computes embeddings in this process
 *   encoder/<version>  encoder-embedder.ts, which adds those of a sentence encoder in a thread of its own
 *   <maker>/<model>    azure-embedder.ts, which calls the embedding deployment
 *
 * To add one, write its file next to these and list it here. `functions/build/create-embedding.ts`
 * creates it for the service, `tools/model/embedders.ts` for training. Scorers are trained on an
 * embedder's numbers, so a change of any number needs a new id.
 */

/** An embedder that runs in this process, without a call. */
export type LocalEmbedder = {
  readonly id: string;
  readonly dimensions: number;
  /** How many numbers at the beginning are rarely 0; nearly all the others are. */
  readonly denseDimensions: number;
  /** Gives every string a finite embedding, including the empty one. */
  embed(text: string): Float32Array;
};

/** An embedder that calls a model. */
export type RemoteEmbedder = {
  /** Names the model, so that a change of embedder is a change of cache keys. */
  readonly id: string;
  /** Throws when the embedding is not available. */
  embed(text: string): Promise<Float32Array>;
};
