import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import type { OutcomeCurve } from './outcome-curve.ts';
import { AFFINITIES } from './session.ts';
import {
  drawThreshold,
  MODES,
  type Mode,
  type ModeShares,
  thresholdForStrongShare,
} from './threshold.ts';

const share = z.number().min(0).max(1);

/**
 * The `routing` object of a request's body. It is strict: a mistyped key would go unnoticed
 * otherwise.
 */
export const routingSchema = z
  .strictObject({
    threshold: share
      .optional()
      .describe('The strong model answers when the predicted win rate is at or above this.'),
    strong_share: share
      .optional()
      .describe(
        'The share of prompts like those of the calibration that goes to the strong model.',
      ),
    mode: z.enum(MODES).optional().describe('A named strong share; by default 0.2, 0.5 and 0.8.'),
    models: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('The deployments to choose from, by their names or the names of their models.'),
    require_parameters: z
      .boolean()
      .optional()
      .describe('True: only deployments that take every parameter of the request unchanged.'),
    session_affinity: z
      .enum(AFFINITIES)
      .optional()
      .describe(
        'In a thread: stay with its model while switching would cost more than it gains, always or never.',
      ),
    explain: z
      .boolean()
      .optional()
      .describe('True: an answer that is not a stream contains the decision as `routing`.'),
  })
  .refine(
    ({ threshold, strong_share, mode }) =>
      [threshold, strong_share, mode].filter((one) => one !== undefined).length <= 1,
    'threshold, strong_share and mode exclude each other: give one of them',
  );

/**
 * The routing controls of Microsoft Foundry's model router, under their own name, so that its
 * clients need not change: https://learn.microsoft.com/azure/foundry/model-router/routing-controls.
 * Other fields are dropped, so that none of them is taken for a field of `routing`.
 */
export const foundryRoutingSchema = z.object({
  mode: z.enum(MODES).optional(),
  models: z.array(z.string()).min(1).optional(),
  require_parameters: z.boolean().optional(),
  session_affinity: z
    .unknown()
    .optional()
    .describe('`adaptive`, `sticky` or `none`; any other value has no effect.'),
});

export type RoutingWish = Readonly<z.infer<typeof routingSchema>>;

/**
 * Converts Foundry's controls. An unknown session affinity is ignored, as Foundry's is best effort.
 */
export function fromFoundry(config: z.infer<typeof foundryRoutingSchema>): RoutingWish {
  const { session_affinity: value, ...wish } = config;
  const isObject = typeof value === 'object' && value !== null;
  const name = isObject && 'mode' in value ? value.mode : value;
  const affinity = AFFINITIES.find((known) => known === name);
  return { ...wish, ...(affinity && { session_affinity: affinity }) };
}

/** The routing that one request asks for: a threshold, a strong share or a mode. */
export type Controls = {
  readonly threshold?: number;
  readonly strongShare?: number;
  readonly mode?: Mode;
  /** The deployments to choose from. */
  readonly models?: readonly string[];
  /** The field or header that asked for it, in the caller's spelling, for errors. */
  readonly param?: string;
};

export type ThresholdPolicy = {
  /** The threshold of requests that ask for nothing; if absent, the strong share decides. */
  readonly threshold?: number;
  readonly strongShare?: number;
  readonly modes: ModeShares;
};

/** The threshold without a calibration: strong if it is likelier to win than not. */
const UNCALIBRATED_THRESHOLD = 0.5;

/** The default strong share: with half of the prompts, a first look sees both models. */
const DEFAULT_STRONG_SHARE = 0.5;

/**
 * Whether the request itself says how its win rate must be compared, which then takes precedence.
 */
export function namesThreshold({ threshold, strongShare, mode }: Controls): boolean {
  return (threshold ?? strongShare ?? mode) !== undefined;
}

/** The win rates that shares are turned into thresholds by. */
export type Quantiles = {
  /** Quantiles of the strongest model's win rates over the cheapest, at even steps from 0 to 1. */
  readonly values: readonly number[];
  /** Their source, as decisions name it: `shipped`, a calibration or the router's `own 62%`. */
  readonly from: string;
  /** True if they follow the router's own decisions, so that the share is kept among equal ones. */
  readonly isOwn?: boolean;
  /** The probability that the strong model's answer is better, for the pair that it was fitted to. */
  readonly outcomes?: OutcomeCurve;
  /** The quantiles that they started from. */
  readonly shipped?: readonly number[];
};

/** Sources of thresholds that no share stands for. */
const RAW_SOURCES = ['request', 'use case', 'setting', 'default'] as const;

/** A threshold, and the source of it: a raw source, or that of the quantiles. */
export type Threshold = { readonly value: number; readonly from: string };

/** True if a share was turned into the threshold, by quantiles. */
export function isByShare(from: string): boolean {
  return !RAW_SOURCES.some((source) => source === from);
}

/**
 * Returns the threshold of one request: the one that it asks for, else the operator's, else that of
 * the operator's strong share. The quantiles are undefined without a calibration; then asking for a
 * share throws.
 */
export function readThreshold(
  { asked, asker }: { readonly asked: Controls; readonly asker: 'request' | 'use case' },
  policy: ThresholdPolicy,
  found: { readonly quantiles: Quantiles | undefined; readonly random: () => number },
): Threshold {
  const { quantiles, random } = found;
  if (asked.threshold !== undefined) return { value: asked.threshold, from: asker };
  const wished = asked.mode === undefined ? asked.strongShare : policy.modes[asked.mode];
  if (wished === undefined && policy.threshold !== undefined) {
    return { value: policy.threshold, from: 'setting' };
  }
  if (quantiles !== undefined) {
    const { values, from, isOwn = false } = quantiles;
    const share = wished ?? policy.strongShare ?? DEFAULT_STRONG_SHARE;
    const value = isOwn
      ? drawThreshold(values, share, random)
      : thresholdForStrongShare(values, share);
    return { value, from };
  }
  if (wished === undefined) return { value: UNCALIBRATED_THRESHOLD, from: 'default' };
  throw new InvalidRequestError(
    'A strong share or mode needs a calibration, and this scorer has none for its pair of models: give a threshold instead.',
    { param: asked.param ?? 'routing' },
  );
}

/**
 * Reads the controls of a request; the first found win: `routing` in the body, the headers, the
 * name of the model. Throws an InvalidRequestError that names the wrong field or header.
 */
export function readControls(
  wish: RoutingWish,
  header: (name: string) => string | null,
  model: Controls,
): Controls {
  const models = wish.models && { models: wish.models };
  const { threshold, strong_share: strongShare, mode } = wish;
  if (threshold !== undefined) return { ...models, threshold };
  if (strongShare !== undefined) return { ...models, strongShare, param: 'routing.strong_share' };
  if (mode !== undefined) return { ...models, mode, param: 'routing.mode' };
  return { ...models, ...(readHeaders(header) ?? model) };
}

function readHeaders(header: (name: string) => string | null): Controls | undefined {
  const [thresholdName, shareName] = ['x-smart-router-threshold', 'x-smart-router-strong-share'];
  const threshold = header(thresholdName);
  const strongShare = header(shareName);
  if (threshold !== null && strongShare !== null) {
    throw new InvalidRequestError(
      `${thresholdName} and ${shareName} exclude each other: send one of them.`,
      { param: shareName },
    );
  }
  if (threshold !== null) return { threshold: parseShare(threshold, thresholdName) };
  if (strongShare === null) return undefined;
  return { strongShare: parseShare(strongShare, shareName), param: shareName };
}

/**
 * Parses `smart-router` and `router-mf-0.11593`, RouteLLM's way to name a threshold. Returns
 * undefined for another name; throws when the number is not between 0 and 1.
 */
export function parseRouterModel(name: string, param: string): Controls | undefined {
  if (name === 'smart-router') return {};
  if (!name.startsWith('router-mf-')) return undefined;
  return { threshold: parseShare(name.slice('router-mf-'.length), param), param };
}

/**
 * Parses a number from 0 to 1 in decimal digits. Throws an error that names `param` for anything
 * else.
 */
export function parseShare(text: string, param: string): number {
  const value = /^(\d+(\.\d*)?|\.\d+)(e-?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new InvalidRequestError(`${param} must be a number between 0 and 1, given once.`, {
    param,
  });
}
