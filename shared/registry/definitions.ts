import * as z from 'zod';
import { API_STYLES } from '../capabilities/capabilities.ts';
import { MODES } from '../policy/threshold.ts';
import { priceSchema } from '../spending/price.ts';

/** Printable ASCII, since the names appear in paths, bodies and headers. */
const upstreamName = z
  .string()
  .regex(/^(?!\.{1,2}$)[\x21-\x7e]{1,128}$/, 'must be 1 to 128 characters of printable ASCII');
/** The source of a deployment's credential; never the credential itself. */
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
      type: z
        .literal('settings')
        .describe('The credential of the settings, only at the address in the settings.'),
    }),
    z.strictObject({ type: z.literal('none').describe('Only for `api_style` `openai`.') }),
  ])
  .describe('The source of its credential; never the credential itself.');

/** A deployment in the registry and its API, without the read-only fields. */
export const deploymentSchema = z.strictObject({
  endpoint: z
    .string()
    .max(2_048)
    .describe('Its address, with `/v1` for `openai`: an Azure host or an allowed one.'),
  deployment: upstreamName
    .optional()
    .describe("Its name at its service; absent: the entry's name."),
  model: upstreamName
    .optional()
    .describe('The name of its model that callers see; absent: the value of `deployment`.'),
  api_style: z
    .enum(API_STYLES)
    .optional()
    .describe(
      'Absent: `azure-v1` for a host of Azure OpenAI or Foundry without `api_version`, otherwise `azure`.',
    ),
  api_version: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional()
    .describe('For the style `azure`.'),
  auth: authSchema.optional(),
  price: priceSchema
    .optional()
    .describe('USD per million tokens; absent: the deployment counts as the most expensive.'),
  context_window: z
    .int()
    .min(1)
    .max(1e12)
    .optional()
    .describe('Tokens of prompt and completion together; absent: the value of the known model.'),
  capabilities: z
    .record(z.string(), z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]))
    .optional()
    .describe('Differences from the known model, such as `{"images": false}`.'),
  scorer_model: z
    .string()
    .max(256)
    .nullable()
    .optional()
    .describe(
      "The scorer's model that represents it; absent: the one with the name of its model, or one that stands for its family; null: the router never chooses it, but callers may name it.",
    ),
  enabled: z.boolean().optional().describe('`false` pauses it.'),
  weight: z
    .number()
    .min(0)
    .max(1_000)
    .optional()
    .describe(
      'Its share of the load among the deployments of its model; 0: used only as a reserve.',
    ),
  tags: z.array(z.string().min(1).max(64)).max(32).optional(),
});

/** The policy of a use case in the registry and its API. */
export const useCaseSchema = z
  .strictObject({
    models: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(256)
      .optional()
      .describe('The deployments that may answer, by name or by the name of their model.'),
    threshold: z.number().min(0).max(1).optional(),
    strong_share: z.number().min(0).max(1).optional(),
    mode: z.enum(MODES).optional(),
    price_ceiling: z
      .number()
      .min(1e-9)
      .optional()
      .describe('The most USD that one request may be estimated to cost.'),
    daily_budget: z
      .number()
      .min(0)
      .optional()
      .describe('USD per day (UTC); once they are spent, only the weak tier answers.'),
  })
  .refine(
    ({ threshold, strong_share, mode }) =>
      [threshold, strong_share, mode].filter((one) => one !== undefined).length <= 1,
    'threshold, strong_share and mode exclude each other: send only one of them',
  );

export type Auth = Readonly<z.infer<typeof authSchema>>;
export type DeploymentDefinition = Readonly<z.infer<typeof deploymentSchema>>;
export type UseCaseDefinition = Readonly<z.infer<typeof useCaseSchema>>;

/** The definitions of the registry, by kind of entry. */
export type Definitions = {
  readonly deployment: DeploymentDefinition;
  readonly use_case: UseCaseDefinition;
};
export type Kind = keyof Definitions;
