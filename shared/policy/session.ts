/** How a conversation keeps to its model: as long as that pays, always, or not at all. */
export const AFFINITIES = ['adaptive', 'sticky', 'none'] as const;
export type Affinity = (typeof AFFINITIES)[number];

/** What the operator sets for conversations. */
export type SessionPolicy = {
  readonly affinity: Affinity;
  /** So far below the threshold a win rate must be for a cheaper model to take over, from 0 to 1. */
  readonly switchMargin: number;
};

/** A conversation that a request continues, as routing sees it. */
export type Session = {
  readonly affinity: Exclude<Affinity, 'none'>;
  readonly switchMargin: number;
  /** Which gave the newest answer; absent: there is none yet. */
  readonly deployment?: string;
  /** The request brings the results of tools that it called. */
  readonly isToolLoop: boolean;
  /** How many of the prompt's tokens its service may still have in its cache. */
  readonly cachedTokens: number;
};
