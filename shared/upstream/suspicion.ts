/** Gives false, or throws, for a deployment that does not even answer a question that any model can answer. */
export type Answers = () => Promise<boolean>;

/** Failures that show nothing on their own, and the question that settles what they mean. */
export type Suspicion = {
  /** The unclear failures since the deployment last answered. */
  readonly failures: number;
  /** Adds a failure. Calls `whenDown` if the failures led to the question and it was not answered. */
  add(whenDown: () => void): void;
  clear(): void;
  /** Calls `whenKnown` with the result of the question. */
  ask(whenKnown: (isAlive: boolean) => void): void;
};

export function createSuspicion(
  /** The failures in a row that lead to the question, and the time until the next question, in ms. */
  limits: { readonly failures: number; readonly everyMs: number },
  answers: Answers | undefined,
): Suspicion {
  let failures = 0;
  let isAsking = false;
  /** No question is asked before this time, so that a client cannot make the router ask on and on. */
  let askAgainAt = 0;

  function ask(whenKnown: (isAlive: boolean) => void): void {
    if (answers === undefined) {
      whenKnown(false);
      return;
    }
    isAsking = true;
    askAgainAt = performance.now() + limits.everyMs;
    void answers()
      .catch(() => false)
      .then((isAlive) => {
        isAsking = false;
        whenKnown(isAlive);
      });
  }

  return {
    get failures() {
      return failures;
    },
    add: (whenDown) => {
      failures += 1;
      const isDue = failures >= limits.failures && askAgainAt <= performance.now();
      if (isAsking || !isDue) return;
      ask((isAlive) => {
        if (isAlive) failures = 0;
        else whenDown();
      });
    },
    clear: () => {
      failures = 0;
    },
    ask,
  };
}
