import * as z from 'zod';
import { deploymentSchema, useCaseSchema } from '../registry/definitions.ts';
import { scoredAsSchema } from '../registry/describe-scored-as.ts';

const readOnly = {
  name: z.string(),
  source: z.enum(['settings', 'registry']),
  version: z.int().describe('The number of changes, which is the ETag.'),
  updated_at: z.string().optional(),
  updated_by: z.string().optional(),
  dry_run: z.literal(true).optional(),
};

const probeSchema = z.object({
  ok: z.boolean(),
  status: z.int().optional(),
  latency_ms: z.number(),
  model: z.string().optional().describe('As the deployment named it.'),
  usage: z
    .object({ prompt_tokens: z.int().optional(), completion_tokens: z.int().optional() })
    .optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export const deploymentEntrySchema = z.looseObject({
  object: z.literal('deployment'),
  ...deploymentSchema.shape,
  ...readOnly,
  scored_as: scoredAsSchema.optional(),
  probe: probeSchema.optional().describe('The result of the probe: with `probe=true`.'),
});

export const useCaseEntrySchema = z.looseObject({
  object: z.literal('use_case'),
  ...useCaseSchema.shape,
  ...readOnly,
  spent_today: z.number().describe('USD spent today on all instances, as far as this one knows.'),
});

/** The body of a PUT: the fields of a definition. The read-only fields of an answer are ignored. */
export const deploymentBodySchema = z.looseObject(deploymentSchema.shape);
export const useCaseBodySchema = z.looseObject(useCaseSchema.shape);

export const patchSchema = z
  .looseObject({})
  .describe('A JSON merge patch (RFC 7396): `null` removes a field.');

export const deploymentListSchema = listOf(deploymentEntrySchema);
export const useCaseListSchema = listOf(useCaseEntrySchema);

export const historySchema = listOf(
  z.object({
    object: z.enum(['deployment.version', 'use_case.version']),
    version: z.int(),
    action: z.enum(['create', 'update', 'delete', 'rollback']),
    at: z.string().optional().describe('Absent for the definition in the settings.'),
    by: z
      .string()
      .describe(
        "The caller's name; `settings` for the first version of a deployment of the settings.",
      ),
    definition: z.looseObject({}).nullable().describe('null: the entry was deleted.'),
    changed: z.array(z.string()).describe('The fields that differ from the previous version.'),
  }),
);

export const deletedSchema = z.object({
  object: z.enum(['deployment.deleted', 'use_case.deleted']),
  name: z.string(),
  deleted: z.boolean().describe('False with `dry_run`.'),
  version: z.int(),
  reverts_to: z
    .literal('settings')
    .optional()
    .describe('Present if the definition in the settings is in force again.'),
  dry_run: z.literal(true).optional(),
});

function listOf<T extends z.ZodType>(item: T) {
  return z.object({ object: z.literal('list'), data: z.array(item) });
}
