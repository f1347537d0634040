/** The time in which all calls count, in ms. */
const WINDOW_MS = 5_000;
/** The age of a call that never counts, in ms, however few came after it. */
const MAX_AGE_MS = 600_000;
/** Outcomes that may stand before the first one that counts, until they are removed. */
const MAX_PAST = 1_000;

/**
 * The newest calls of a deployment: those of the last five seconds, and at least the newest `minCalls`,
 * so that a share of them means something at a few calls an hour as well as at hundreds a second.
 */
export type CallWindow = {
  add(isFailure: boolean): void;
  /** Counts the calls that are in the window now. */
  count(): { readonly calls: number; readonly failed: number };
  clear(): void;
};

export function createCallWindow(minCalls: number): CallWindow {
  let outcomes: { readonly at: number; readonly isFailure: boolean }[] = [];
  let first = 0;
  let failed = 0;

  function removeOld(): void {
    const now = performance.now();
    for (let oldest = outcomes[first]; oldest !== undefined; oldest = outcomes[first]) {
      const age = now - oldest.at;
      const isSpare = outcomes.length - first > minCalls && age > WINDOW_MS;
      if (!isSpare && age <= MAX_AGE_MS) break;
      failed -= Number(oldest.isFailure);
      first += 1;
    }
    if (first <= MAX_PAST) return;
    outcomes = outcomes.slice(first);
    first = 0;
  }

  return {
    add: (isFailure) => {
      outcomes.push({ at: performance.now(), isFailure });
      failed += Number(isFailure);
      removeOld();
    },
    count: () => {
      removeOld();
      return { calls: outcomes.length - first, failed };
    },
    clear: () => {
      outcomes = [];
      first = 0;
      failed = 0;
    },
  };
}
