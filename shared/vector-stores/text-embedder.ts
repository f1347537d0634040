import type { Caller } from '../access/caller.ts';

/** For whom texts are embedded. */
export type EmbedFor = {
  readonly signal: AbortSignal;
  /** Absent: the router itself, or a caller of a router that is open to everybody. */
  readonly caller?: Caller | undefined;
  /** Called with the tokens that a deployment has counted. */
  readonly onTokens?: (tokens: number) => void;
};

/** Turns the texts of vector stores into embeddings. */
export type TextEmbedder = {
  /** The name of the model: a store takes texts only from the embedder that it was created with. */
  readonly id: string;
  /**
   * Returns the number of dimensions of the embeddings: the requested number if the embedder supports
   * it, its own without a request, undefined if it does not support the requested number. Throws an
   * UpstreamError where only an answer can tell, and a 403 if the caller may not call the deployment.
   */
  findDimensions(wish: number | undefined, whom: EmbedFor): Promise<number | undefined>;
  /** The most tokens that a text may have. */
  readonly maxTokens: number;
  /**
   * Returns one embedding for each text, in the order of the texts. Throws an UpstreamError, and a 403 if the
   * caller may not call the deployment.
   */
  embed(texts: readonly string[], dimensions: number, whom: EmbedFor): Promise<Float32Array[]>;
};
