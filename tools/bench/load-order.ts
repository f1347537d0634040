export type LoadOrder = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Request bodies, sent in turn. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Whether the time to the first content is measured, rather than that of the whole answer. */
  readonly isStreamed: boolean;
};

export type LoadResult = {
  /** Latency of the answers, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly answers: number;
  /** Answers that failed or never came. */
  readonly errors: number;
  readonly elapsedMs: number;
};
