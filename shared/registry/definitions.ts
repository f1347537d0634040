import * as z from 'zod';
import { MODES } from '../routing/threshold.ts';
import { API_STYLES } from '../upstream/deployment.ts';

/** Printable ASCII: the names stand in paths, bodies and headers. */
const upstreamName = z
  .string()
  .regex(/^(?!\.{1,2}$)[\x21-\x7e]{1,128}$/, 'printable ASCII, 1 to 128');
const usdPerMillion = z.number().min(0).max(1_000_000);

/** USD per million tokens. */
export const priceSchema = z.strictObject({ input: usdPerMillion, output: usdPerMillion });

/**
 * Where the credential of a deployment comes from; never the credential itself. `settings`: what the
 * settings have for the deployment of this name, at the address that they give it.
 */
export const authSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('managed_identity') }),
  z.strictObject({ type: z.literal('app_setting'), name: z.string() }),
  z.strictObject({ type: z.literal('key_vault_secret'), name: z.string() }),
  z.strictObject({ type: z.literal('settings') }),
  z.strictObject({ type: z.literal('none') }),
]);

/** A deployment as the registry keeps it and its API gives it, but for the read-only fields. */
export const deploymentSchema = z.strictObject({
  endpoint: z.string().max(2_048),
  /** By which its service knows it; absent: the entry's name. */
  deployment: upstreamName.optional(),
  /** The model behind it, as callers are told; absent: that of `deployment`. */
  model: upstreamName.optional(),
  api_style: z.enum(API_STYLES).optional(),
  /** Of the style `azure` alone. */
  api_version: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional(),
  auth: authSchema.optional(),
  price: priceSchema.optional(),
  /** Tokens of prompt and completion together. */
  context_window: z.int().min(1).max(1e12).optional(),
  /** What the table of known models does not know, or gets wrong: by the names of docs/capabilities.md. */
  capabilities: z
    .record(z.string(), z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]))
    .optional(),
  /** The scorer's model that stands for it; null: the router never chooses it, callers may name it. */
  scorer_model: z.string().max(256).nullable().optional(),
  /** False: paused. */
  enabled: z.boolean().optional(),
  /** Its share of the load among the deployments of the same model; 0: only when the others cannot. */
  weight: z.number().min(0).max(1_000).optional(),
  tags: z.array(z.string().min(1).max(64)).max(32).optional(),
});

/** The policy of a use case as the registry keeps it and its API gives it. */
export const useCaseSchema = z
  .strictObject({
    /** The deployments that may answer, by their names or those of their models; absent: all. */
    models: z.array(z.string().min(1).max(256)).min(1).max(256).optional(),
    threshold: z.number().min(0).max(1).optional(),
    strong_share: z.number().min(0).max(1).optional(),
    mode: z.enum(MODES).optional(),
    /** USD that one request may be estimated to cost. */
    price_ceiling: z.number().positive().optional(),
    /** USD a day (UTC); once spent, the weak tier alone answers. */
    daily_budget: z.number().min(0).optional(),
  })
  .refine(
    ({ threshold, strong_share, mode }) =>
      [threshold, strong_share, mode].filter((one) => one !== undefined).length <= 1,
    'threshold, strong_share and mode exclude each other: give one of them',
  );

export type Price = Readonly<z.infer<typeof priceSchema>>;
export type Auth = Readonly<z.infer<typeof authSchema>>;
export type DeploymentDefinition = Readonly<z.infer<typeof deploymentSchema>>;
export type UseCaseDefinition = Readonly<z.infer<typeof useCaseSchema>>;

/** What the registry keeps. */
export type Definitions = {
  readonly deployment: DeploymentDefinition;
  readonly use_case: UseCaseDefinition;
};
export type Kind = keyof Definitions;
