import * as z from 'zod';
import { API_STYLES } from '../capabilities/capabilities.ts';
import { MODES } from '../policy/threshold.ts';
import { priceSchema } from '../spending/price.ts';

/** Printable ASCII: the names stand in paths, bodies and headers. */
const upstreamName = z
  .string()
  .regex(/^(?!\.{1,2}$)[\x21-\x7e]{1,128}$/, 'printable ASCII, 1 to 128');
/** Where the credential of a deployment comes from; never the credential itself. */
export const authSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('managed_identity') }),
    z.strictObject({
      type: z.literal('app_setting'),
      name: z.string().describe('An app setting that begins with `UPSTREAM_KEY_`.'),
    }),
    z.strictObject({
      type: z.literal('key_vault_secret'),
      name: z.string().describe('One of `ROUTER_KEY_VAULT_SECRETS`.'),
    }),
    z.strictObject({
      type: z.literal('settings').describe('As the settings have it, at the address they give.'),
    }),
    z.strictObject({ type: z.literal('none').describe('For `api_style` `openai` alone.') }),
  ])
  .describe('Where its credential is; never the credential itself.');

/** A deployment as the registry keeps it and its API gives it, but for the read-only fields. */
export const deploymentSchema = z.strictObject({
  endpoint: z
    .string()
    .max(2_048)
    .describe('Its address, with `/v1` for `openai`: an Azure host or one that is allowed.'),
  deployment: upstreamName
    .optional()
    .describe("By which its service knows it; absent: the entry's name."),
  model: upstreamName
    .optional()
    .describe('The model behind it, as callers are told; absent: that of `deployment`.'),
  api_style: z.enum(API_STYLES).optional().describe('Absent: `azure`.'),
  api_version: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional()
    .describe('Of the style `azure`.'),
  auth: authSchema.optional(),
  price: priceSchema
    .optional()
    .describe('USD per million tokens; absent: it counts as the dearest.'),
  context_window: z
    .int()
    .min(1)
    .max(1e12)
    .optional()
    .describe('Tokens of prompt and completion together; absent: as the known model has it.'),
  capabilities: z
    .record(z.string(), z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]))
    .optional()
    .describe('What is otherwise than with the known model: `{"images": false}`.'),
  scorer_model: z
    .string()
    .max(256)
    .nullable()
    .optional()
    .describe(
      "The scorer's model that stands for it; absent: the one of its model's name; null: the router never chooses it, callers may name it.",
    ),
  enabled: z.boolean().optional().describe('False: paused.'),
  weight: z
    .number()
    .min(0)
    .max(1_000)
    .optional()
    .describe('Its share of the load among the deployments of its model; 0: a reserve.'),
  tags: z.array(z.string().min(1).max(64)).max(32).optional(),
});

/** The policy of a use case as the registry keeps it and its API gives it. */
export const useCaseSchema = z
  .strictObject({
    models: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(256)
      .optional()
      .describe('The deployments that may answer, by their names or those of their models.'),
    threshold: z.number().min(0).max(1).optional(),
    strong_share: z.number().min(0).max(1).optional(),
    mode: z.enum(MODES).optional(),
    price_ceiling: z
      .number()
      .min(1e-9)
      .optional()
      .describe('USD that one request may be estimated to cost.'),
    daily_budget: z
      .number()
      .min(0)
      .optional()
      .describe('USD a day (UTC): once spent, the weak tier alone answers.'),
  })
  .refine(
    ({ threshold, strong_share, mode }) =>
      [threshold, strong_share, mode].filter((one) => one !== undefined).length <= 1,
    'threshold, strong_share and mode exclude each other: give one of them',
  );

export type Auth = Readonly<z.infer<typeof authSchema>>;
export type DeploymentDefinition = Readonly<z.infer<typeof deploymentSchema>>;
export type UseCaseDefinition = Readonly<z.infer<typeof useCaseSchema>>;

/** What the registry keeps. */
export type Definitions = {
  readonly deployment: DeploymentDefinition;
  readonly use_case: UseCaseDefinition;
};
export type Kind = keyof Definitions;
