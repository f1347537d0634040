/** How a conversation stays with its model: as long as that pays, always, or not at all. */
export const AFFINITIES = ['adaptive', 'sticky', 'none'] as const;
export type Affinity = (typeof AFFINITIES)[number];

/** The operator's settings for conversations. */
export type SessionPolicy = {
  readonly affinity: Affinity;
  /**
   * How far below the threshold a win rate must be for a cheaper model to take over, from 0 to 1.
   */
  readonly switchMargin: number;
};

/** A conversation that a request continues, as routing sees it. */
export type Session = {
  readonly affinity: Exclude<Affinity, 'none'>;
  readonly switchMargin: number;
  /** The deployment that gave the newest answer; absent before the first. */
  readonly deployment?: string;
  /** Whether the request contains the results of tools that the deployment called. */
  readonly isToolLoop: boolean;
  /** How many of the prompt's tokens the deployment's service may still have in its cache. */
  readonly cachedTokens: number;
};
