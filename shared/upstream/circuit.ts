import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhenResult,
  type IHalfOpenAfterBackoffContext,
} from 'cockatiel';
import { UpstreamError } from '../base/errors.ts';
import { retryAfterHeaders } from './retry-after.ts';

/** However often a deployment fails, it is tried again after this time. */
export const MAX_OPEN_MS = 60_000;

/**
 * What a call has shown of its deployment: that it serves, that it does not, or nothing, because the
 * call was ended from this side.
 */
export type Outcome = 'alive' | 'failed' | 'unknown';

/** Takes what came of a call; the first that it is told counts. */
export type Report = (outcome: Outcome) => void;

export type CircuitLimits = {
  /** Failures in a row that open it. */
  readonly circuitFailures: number;
  /** How long it stays open at first; twice as long with each trial that fails. */
  readonly circuitOpenMs: number;
};

/** Stands before what may be down, and turns calls away as long as it is. */
export type Circuit = {
  state(): 'closed' | 'open' | 'half-open';
  /** Throws an UpstreamError (503 `circuit_open`) when a call would be turned away now. */
  check(): void;
  /**
   * Lets a call pass, which has to report what came of it. Throws as `check` does. `isAlive` is asked
   * before a trial, so that what is plainly down costs no caller his time.
   */
  enter(isAlive?: () => Promise<boolean>): Report | Promise<Report>;
};

/** The one execution that cockatiel sees while half-open. */
type Trial = {
  readonly decide: (outcome: Outcome) => void;
  /** Resolves when the circuit is closed or open again. */
  readonly decided: Promise<void>;
};

/**
 * Closed, it counts failures in a row. Open, it turns all calls away for a time. Then one call is the
 * trial, which closes it or opens it for longer; the others are turned away meanwhile.
 */
export function createCircuit(name: string, limits: CircuitLimits): Circuit {
  let openMs = 0;
  let openUntil = 0;
  let trial: Trial | undefined;
  let isTrialUnderWay = false;
  const policy = circuitBreaker(
    handleWhenResult((outcome) => outcome === 'failed'),
    {
      breaker: new ConsecutiveBreaker(limits.circuitFailures),
      halfOpenAfter: new DelegateBackoff(({ attempt }: IHalfOpenAfterBackoffContext) => {
        openMs = Math.min(MAX_OPEN_MS, limits.circuitOpenMs * 2 ** (attempt - 1));
        return openMs;
      }),
    },
  );
  const { tell, untilTold } = createTold(policy);
  policy.onBreak(() => {
    openUntil = Date.now() + openMs;
  });

  function check(): void {
    if (policy.state === CircuitState.Closed) return;
    const leftMs = openUntil - Date.now();
    if (leftMs > 0 || isTrialUnderWay) throw circuitOpen(name, leftMs);
  }

  /** A call that ends after the circuit has opened shows nothing new. */
  function count(outcome: Outcome): void {
    if (outcome === 'unknown' || policy.state !== CircuitState.Closed) return;
    tell(outcome);
  }

  // cockatiel lets the calls that come during a trial wait for its end, which may be the timeout of
  // a call that hangs: so it is shown the trial alone, as one execution that a trial without an
  // outcome leaves to the next.
  function startTrial(): Trial {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const end = () => {
      trial = undefined;
      isTrialUnderWay = false;
    };
    return { decide: resolve, decided: policy.execute(() => promise).then(end, end) };
  }

  async function enterTrial(isAlive: (() => Promise<boolean>) | undefined): Promise<Report> {
    isTrialUnderWay = true;
    trial ??= startTrial();
    const { decide, decided } = trial;
    if (isAlive !== undefined && !(await isAlive())) {
      decide('failed');
      await decided;
      throw circuitOpen(name, openMs);
    }
    return (outcome) => {
      if (outcome === 'unknown') isTrialUnderWay = false;
      else decide(outcome);
    };
  }

  function enter(isAlive: (() => Promise<boolean>) | undefined): Report | Promise<Report> {
    check();
    return policy.state === CircuitState.Closed ? once(count) : enterTrial(isAlive).then(once);
  }

  return {
    state: () => {
      if (policy.state === CircuitState.Closed) return 'closed';
      return openUntil > Date.now() ? 'open' : 'half-open';
    },
    check,
    enter: (isAlive) => untilTold()?.then(() => enter(isAlive)) ?? enter(isAlive),
  };
}

/**
 * Tells a policy of outcomes. A success takes the failures before it back, and behind another one has
 * nothing to say: said all the same, it took a third of a call's time, and left much behind. While an
 * outcome is told, the policy's state is still that of before.
 */
function createTold(policy: CircuitBreakerPolicy) {
  let hasFailed = false;
  let telling: Promise<void> | undefined;
  return {
    untilTold: () => telling,
    tell: (outcome: Outcome) => {
      const isNews = outcome === 'failed' || hasFailed;
      hasFailed = outcome === 'failed';
      if (!isNews) return;
      const told = policy
        .execute(() => outcome)
        .then(() => {
          if (telling === told) telling = undefined;
        });
      telling = told;
    },
  };
}

function once(report: Report): Report {
  let isReported = false;
  return (outcome) => {
    if (isReported) return;
    isReported = true;
    report(outcome);
  };
}

function circuitOpen(name: string, leftMs: number): UpstreamError {
  return new UpstreamError(
    `The deployment ${name} failed several times in a row and is left alone for now. Try again after the time in retry-after; GET /ready shows its state.`,
    // When a trial under way ends, nobody knows.
    { status: 503, code: 'circuit_open', headers: retryAfterHeaders(Math.max(leftMs, 1_000)) },
  );
}
