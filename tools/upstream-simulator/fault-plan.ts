import { createHash } from 'node:crypto';
import { FORM_NAMES, type FormName } from './answer-forms.ts';
import { type AzureError, invalidRequest } from './azure-error.ts';
import { ERROR_KINDS, type ErrorKind, type ProvokedError } from './provoked-error.ts';
import { type RefusedField, WORDINGS } from './refused-field.ts';
import type { SimulatedDeployment } from './simulated-deployment.ts';

/** A fault that breaks an answer after a number of content chunks. */
export type Interruption = {
  readonly kind: 'cut' | 'stall' | 'error_event';
  readonly afterChunks: number;
};

/** The effects that the markers of one request ask for. docs/simulator.md lists the markers. */
export type FaultPlan = {
  readonly error?: ProvokedError;
  readonly interruption?: Interruption;
  /** Whether the connection is reset, without a byte, where it has served a request before. */
  readonly isStale?: boolean;
  readonly delayMs?: number;
  /** How long a stream is silent between its headers and its first event. */
  readonly silenceMs?: number;
  readonly chunks?: { readonly count: number; readonly delayMs: number };
  readonly bigBytes?: number;
  readonly reasoningTokens?: number;
  /** Whether only the total of the usage counts the reasoning tokens. */
  readonly hidesReasoning?: boolean;
  readonly callsTool?: boolean;
  /** How a stream numbers two calls of a tool, each of which comes in one piece. */
  readonly oddCalls?: 'same_index' | 'no_index';
  readonly filtersOutput?: boolean;
  readonly thinksAloud?: boolean;
  readonly refused?: RefusedField;
  readonly forms?: readonly FormName[];
};

export type FaultPlanner = {
  /** Plans the effects of the markers in a text. Throws for an unknown marker. */
  readonly plan: (text: string, deployment: SimulatedDeployment) => FaultPlan;
  /** Forgets how often each text has failed. */
  readonly reset: () => void;
};

type Effect = { readonly plan: FaultPlan; readonly times?: number | undefined };
type MarkerArguments = readonly (number | undefined)[];

const MARKER = /\[sim:(\w+)((?::[^:\]@]*)*)(?:@([^\]]+))?\]/g;
const DEFAULT_CHUNKS_BEFORE_INTERRUPTION = 2;
const MAX_BIG_BYTES = 256 * 1024 * 1024;
// This bounds the memory of a long run in which every prompt is different and fails a few times.
const MAX_COUNTED_TEXTS = 10_000;

const MARKERS = new Map<string, (values: MarkerArguments) => Effect>([
  ...ERROR_KINDS.map((kind) => [kind, provoke(kind)] as const),
  ...FORM_NAMES.map((name) => [name, () => ({ plan: { forms: [name] } })] as const),
  ['cut', interrupt('cut')],
  ['stall', interrupt('stall')],
  ['error_event', interrupt('error_event')],
  ['stale', () => ({ plan: { isStale: true } })],
  ['silent', ([silenceMs = 0]) => ({ plan: { silenceMs } })],
  ['slow', ([delayMs = 0]) => ({ plan: { delayMs } })],
  ['chunks', ([count = 1, delayMs = 0]) => ({ plan: { chunks: { count, delayMs } } })],
  ['big', ([bytes = 0]) => ({ plan: { bigBytes: Math.min(bytes, MAX_BIG_BYTES) } })],
  ['reasoning', ([reasoningTokens = 64]) => ({ plan: { reasoningTokens } })],
  [
    'hidden_reasoning',
    ([reasoningTokens = 64]) => ({ plan: { reasoningTokens, hidesReasoning: true } }),
  ],
  ['tool', () => ({ plan: { callsTool: true } })],
  ['same_index', () => ({ plan: { callsTool: true, oddCalls: 'same_index' } })],
  ['no_index', () => ({ plan: { callsTool: true, oddCalls: 'no_index' } })],
  ['thoughts', () => ({ plan: { thinksAloud: true } })],
  ['output_filter', () => ({ plan: { filtersOutput: true } })],
]);

export function createFaultPlanner(): FaultPlanner {
  const seen = new Map<string, number>();

  function isUsedUp(key: string, times: number | undefined): boolean {
    if (times === undefined) return false;
    const hash = createHash('sha256').update(key).digest('base64');
    const count = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, count);
    const [oldest] = seen.keys();
    if (seen.size > MAX_COUNTED_TEXTS && oldest !== undefined) seen.delete(oldest);
    return count > times;
  }

  return {
    plan(text, deployment) {
      let plan: FaultPlan = {};
      for (const [marker, name = '', values = '', only] of text.matchAll(MARKER)) {
        const { plan: effect, times } = parseMarker(marker, name, values);
        const isElsewhere =
          only !== undefined && only !== deployment.name && only !== deployment.kind;
        if (isElsewhere || (isFailure(plan) && isFailure(effect))) continue;
        if (isUsedUp(`${deployment.kind}\n${marker}\n${text}`, times)) continue;
        plan = merge(plan, effect);
      }
      return plan;
    },
    reset: () => seen.clear(),
  };
}

function merge(plan: FaultPlan, effect: FaultPlan): FaultPlan {
  return { ...plan, ...effect, forms: [...(plan.forms ?? []), ...(effect.forms ?? [])] };
}

/** Returns the text without its markers, so that an answer that repeats it provokes nothing later. */
export function withoutMarkers(text: string): string {
  return text.replace(MARKER, '');
}

function provoke(kind: ErrorKind): (values: MarkerArguments) => Effect {
  return ([times, retryAfterMs]) => ({ times, plan: { error: { kind, retryAfterMs } } });
}

function interrupt(kind: Interruption['kind']): (values: MarkerArguments) => Effect {
  return ([afterChunks = DEFAULT_CHUNKS_BEFORE_INTERRUPTION, times]) => ({
    times,
    plan: { interruption: { kind, afterChunks } },
  });
}

function isFailure(plan: FaultPlan): boolean {
  return plan.error !== undefined || plan.interruption !== undefined;
}

function parseMarker(marker: string, name: string, values: string): Effect {
  const read = MARKERS.get(name);
  const parts = values.split(':').slice(1);
  if (name === 'refuse') return { plan: { refused: parseRefused(marker, parts) } };
  if (read === undefined || !parts.every((part) => /^\d*$/.test(part))) {
    throw unknownMarker(
      marker,
      `Known: ${[...MARKERS.keys(), 'refuse'].join(', ')}; arguments are whole numbers, but for those of refuse.`,
    );
  }
  return read(parts.map((part) => (part === '' ? undefined : Number(part))));
}

function parseRefused(marker: string, [field = '', wording = 'openai']: readonly string[]) {
  const known = WORDINGS.find((one) => one === wording);
  if (/^\w+$/.test(field) && known !== undefined) return { field, wording: known };
  throw unknownMarker(
    marker,
    `Its arguments are the name of a field and one of: ${WORDINGS.join(', ')}.`,
  );
}

function unknownMarker(marker: string, advice: string): AzureError {
  return invalidRequest(`The simulator does not know the marker ${marker}. ${advice}`, {
    code: 'unknown_marker',
  });
}
