/** Turns the texts of vector stores into embeddings. */
export type TextEmbedder = {
  /** The name of the model: a store takes texts only from the embedder that it was created with. */
  readonly id: string;
  /**
   * Returns the number of dimensions of the embeddings: the requested number if the embedder supports
   * it, its own without a request, undefined if it does not support the requested number. Throws an
   * UpstreamError where only an answer can tell.
   */
  findDimensions(wish: number | undefined, signal: AbortSignal): Promise<number | undefined>;
  /** The most tokens that a text may have. */
  readonly maxTokens: number;
  /** Returns one embedding for each text, in the order of the texts. Throws an UpstreamError. */
  embed(texts: readonly string[], dimensions: number, signal: AbortSignal): Promise<Float32Array[]>;
};
