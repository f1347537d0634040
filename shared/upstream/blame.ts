import { type Outcome, once, type Report } from './circuit.ts';

/**
 * Decides which failures of one request are its deployments' fault. A failure counts against its
 * deployment where another one answered the same request. A request that none of them answered may be at
 * fault itself, whatever each of them said.
 */
export type Blame = {
  /** Takes the report of a call that begins, and returns the one that the call has to use instead. */
  track(report: Report): Report;
  /** Tells what the newest call has shown, if that is not known yet. */
  tell(outcome: Outcome): void;
  /** Tells that the newest call has answered the request. */
  answered(): void;
  /** Ends the request: whatever has failed until now was answered by no deployment. */
  settle(): void;
};

export function createBlame(): Blame {
  const failed: Report[] = [];
  let tell: Report = () => undefined;

  function reportFailed(outcome: 'failed' | 'unclear'): void {
    for (const report of failed.splice(0)) report(outcome);
  }

  return {
    track: (report) => {
      tell = once((outcome) => {
        if (outcome === 'failed') failed.push(report);
        else report(outcome);
      });
      return tell;
    },
    tell: (outcome) => tell(outcome),
    answered: () => {
      tell('alive');
      reportFailed('failed');
    },
    settle: () => {
      tell('unknown');
      reportFailed('unclear');
    },
  };
}
