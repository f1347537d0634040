import { UpstreamError } from '../base/errors.ts';
import { createCallWindow } from './call-window.ts';
import { retryAfterHeaders } from './retry-after.ts';
import { type Answers, createSuspicion } from './suspicion.ts';

/** The longest time for which a circuit stays open, however many trials have failed. */
export const MAX_OPEN_MS = 60_000;

/**
 * What a call has shown about its deployment: that it serves; that it does not; that it failed a request
 * that no other deployment answered, which may be the request's fault; or nothing, because the call was
 * ended from this side.
 */
export type Outcome = 'alive' | 'failed' | 'unclear' | 'unknown';

/** Takes the outcome of a call. Only the first one counts. */
export type Report = (outcome: Outcome) => void;

export type CircuitLimits = {
  /** The fewest failures that open the circuit. They must also be half of the newest calls. */
  readonly circuitFailures: number;
  /** How long the circuit stays open at first; each failed trial doubles it. */
  readonly circuitOpenMs: number;
};

/** The failures that a circuit has counted. */
export type RecentCalls = {
  /** The newest calls that have shown something about the deployment. */
  readonly calls: number;
  /** Those of them that failed. */
  readonly failed: number;
  /** The newest calls in a row whose requests no deployment answered. */
  readonly unclear: number;
};

/** Turns calls away from a deployment of whose newest calls too many have failed. */
export type Circuit = {
  state(): 'closed' | 'open' | 'half-open';
  recent(): RecentCalls;
  /** Throws an UpstreamError (503 `circuit_open`) if a call would be turned away now. */
  check(): void;
  /**
   * Admits a call, which must report its outcome. Throws as `check` does. `isAlive` is asked before
   * a trial, so that a deployment that is plainly down costs no caller any time; if it throws, that
   * counts as down.
   */
  enter(isAlive?: () => Promise<boolean>): Report | Promise<Report>;
};

/**
 * A closed circuit counts failures among the newest calls. An open one turns all calls away for a time.
 * After that it is half-open: one call is the trial, which closes it or opens it for longer, and the
 * others are turned away meanwhile. A trial without an outcome leaves the trial to the next call.
 *
 * Unclear failures in a row, and unclear trials, are settled by the question that `answers` asks. Absent:
 * nothing speaks for the deployment.
 */
export function createCircuit(name: string, limits: CircuitLimits, answers?: Answers): Circuit {
  const window = createCallWindow(2 * limits.circuitFailures);
  const suspicion = createSuspicion(
    { failures: limits.circuitFailures, everyMs: limits.circuitOpenMs },
    answers,
  );
  /** How often the circuit has opened. */
  let openings = 0;
  /** How long the circuit was opened for; undefined while it is closed. */
  let openMs: number | undefined;
  /** In `performance.now()`: if the time of day were set back, the circuit would stay open longer. */
  let openUntil = 0;
  let isTrialUnderWay = false;

  function open(): void {
    openings += 1;
    const ms = openMs === undefined ? limits.circuitOpenMs : 2 * openMs;
    openMs = Math.min(MAX_OPEN_MS, ms);
    openUntil = performance.now() + openMs;
  }

  function close(): void {
    openMs = undefined;
    suspicion.clear();
    window.clear();
  }

  function turnAway(): UpstreamError {
    // Nobody knows when a trial under way will end.
    const waitMs = Math.max(openUntil - performance.now(), 1_000);
    return new UpstreamError(
      `The deployment ${name} failed too many of its newest calls and is not called for now. Try again after the time in retry-after; GET /ready shows its state.`,
      { status: 503, code: 'circuit_open', headers: retryAfterHeaders(waitMs) },
    );
  }

  function check(): void {
    if (openMs === undefined) return;
    if (isTrialUnderWay || openUntil > performance.now()) throw turnAway();
  }

  function countFailure(): void {
    const { calls, failed } = window.count();
    if (failed >= limits.circuitFailures && 2 * failed >= calls) open();
  }

  /** A call begun before the circuit opened shows nothing new, even once it has closed again. */
  function createCount(): Report {
    const openingsBefore = openings;
    const isNew = () => openings === openingsBefore;
    return (outcome) => {
      if (outcome === 'unknown' || !isNew()) return;
      if (outcome === 'unclear') {
        suspicion.add(() => isNew() && open());
        return;
      }
      window.add(outcome === 'failed');
      if (outcome === 'failed') countFailure();
      else suspicion.clear();
    };
  }

  function endTrial(outcome: Outcome): void {
    if (outcome === 'unclear') {
      // Others are still turned away until it is settled.
      suspicion.ask((isAlive) => endTrial(isAlive ? 'alive' : 'failed'));
      return;
    }
    isTrialUnderWay = false;
    if (outcome === 'alive') close();
    else if (outcome === 'failed') open();
  }

  async function enterTrial(isAlive: () => Promise<boolean>): Promise<Report> {
    isTrialUnderWay = true;
    if (await isAlive().catch(() => false)) return once(endTrial);
    endTrial('failed');
    throw turnAway();
  }

  return {
    state: () => {
      if (openMs === undefined) return 'closed';
      return openUntil > performance.now() ? 'open' : 'half-open';
    },
    recent: () => ({ ...window.count(), unclear: suspicion.failures }),
    check,
    enter: (isAlive = async () => true) => {
      check();
      return openMs === undefined ? once(createCount()) : enterTrial(isAlive);
    },
  };
}

export function once(report: Report): Report {
  let isReported = false;
  return (outcome) => {
    if (isReported) return;
    isReported = true;
    report(outcome);
  };
}
