import { quantile } from '../measure/statistics.ts';
import type { Outcome } from './question.ts';
import type { Finding } from './read-events.ts';
import type { Result } from './run-load.ts';

/** The results of a fault's requests. */
export type Tally = {
  readonly name: string;
  readonly requests: number;
  readonly chosen: number;
  readonly fallback: number;
  /** Errors in OpenAI's form. */
  readonly errors: number;
  /** Streams that ended in an error event. */
  readonly brokenOff: number;
  /** Clients that left before the answer was complete. */
  readonly left: number;
  readonly lost: number;
  readonly doubled: number;
  readonly mixedUp: number;
  readonly malformed: number;
  /** Well-formed answers that are not among the expected outcomes. */
  readonly notDue: number;
  /** Milliseconds to the end of the answer; NaN without answers. */
  readonly p50: number;
  readonly p99: number;
  /** The longest time from the end of a fault until both deployments answered, in milliseconds. */
  readonly recoveryMs: number;
  /** Descriptions of the first few defects. */
  readonly examples: readonly string[];
};

const MAX_EXAMPLES = 5;

export type TallyKeeper = {
  add(result: Result): void;
  /** Notes a defect that belongs to no particular request. */
  note(finding: Finding): void;
  recovered(ms: number): void;
  result(): Tally;
};

/** Counts the outcomes of a fault. A request with several findings counts once under each kind. */
export function createTally(name: string): TallyKeeper {
  const outcomes = new Map<string, number>();
  const findings = new Map<Finding['kind'], number>();
  const examples: string[] = [];
  const times: number[] = [];
  let requests = 0;
  let recoveryMs = 0;

  function note({ kind, what }: Finding, where = ''): void {
    if (examples.length < MAX_EXAMPLES) examples.push(`${kind}: ${where}${what}`);
  }
  function count(kind: Finding['kind']): void {
    findings.set(kind, (findings.get(kind) ?? 0) + 1);
  }
  const ended = (outcome: Outcome | 'error'): number => outcomes.get(outcome) ?? 0;
  const found = (kind: Finding['kind']): number => findings.get(kind) ?? 0;

  return {
    add({ question, received, outcome, findings: wrong }) {
      requests += 1;
      const key = outcome?.startsWith('error') ? 'error' : outcome;
      if (key !== undefined) outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
      if (received.end === 'complete') times.push(received.ms);
      for (const kind of new Set(wrong.map((finding) => finding.kind))) count(kind);
      for (const finding of wrong) note(finding, `${describe(question)} `);
    },
    note(finding) {
      count(finding.kind);
      note(finding);
    },
    recovered: (ms) => {
      recoveryMs = Math.max(recoveryMs, ms);
    },
    result: () => ({
      name,
      requests,
      chosen: ended('chosen'),
      fallback: ended('fallback'),
      errors: ended('error'),
      brokenOff: ended('broken off'),
      left: ended('left'),
      lost: found('lost'),
      doubled: found('doubled'),
      mixedUp: found('mixed up'),
      malformed: found('malformed'),
      notDue: found('not due'),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      recoveryMs,
      examples,
    }),
  };
}

/** Returns whether no answer has a defect. */
export function isClean({ lost, doubled, mixedUp, malformed, notDue }: Tally): boolean {
  return lost + doubled + mixedUp + malformed + notDue === 0;
}

function describe({ chosen, stream, body }: Result['question']): string {
  const markers =
    String(body)
      .match(/\[sim:[^\]]+\]/g)
      ?.join('') ?? 'no marker';
  return `(${stream ? 'stream' : 'plain'}, ${chosen} chosen, ${markers})`;
}
