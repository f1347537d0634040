export type LoadOrder = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in turn. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** True: the time to the first content is taken; false: that of the whole answer. */
  readonly isStreamed: boolean;
};

export type LoadResult = {
  /** Of the answers, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  /** Answers that were no success, or did not come. */
  readonly errors: number;
  readonly elapsedMs: number;
};
