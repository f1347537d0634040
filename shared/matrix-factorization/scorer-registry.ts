import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ConfigError } from '../base/errors.ts';

/** The target of a calibration, in the unit of its kind. */
const calibrationTargetSchema = z.object({
  /**
   * The unit: a share of the requests, USD per 1,000 requests, or a loss of mean score from 0 to 1.
   */
  kind: z.enum(['strong-share', 'cost-per-1000', 'max-loss']),
  value: z.number(),
  /** The source: `stated` prices were given; `predicted` by the scorer itself, without gradings. */
  basis: z.enum(['measured', 'stated', 'predicted']),
});

const intervalSchema = z.tuple([z.number(), z.number()]);

const ascending = z.array(z.number().min(0).max(1)).refine(isAscending, 'numbers must not fall');

const outcomeCurveSchema = z
  .object({
    winRates: ascending.readonly(),
    shares: ascending.readonly(),
  })
  .refine(({ winRates, shares }) => winRates.length === shares.length, 'must be of one length');

/** 101 win rates of one model pair on named prompts: `quantiles[p]` is the p-th percentile. */
const calibrationSchema = z.object({
  id: z.string().min(1),
  /** The number of the calibration among those of its id; earlier ones stay. */
  version: z.int().positive().default(1),
  data: z.string().min(1),
  rows: z.int().positive(),
  strong: z.string().min(1),
  weak: z.string().min(1),
  quantiles: z
    .array(z.number().min(0).max(1))
    .length(101)
    .refine(isAscending, 'win rates must not fall'),
  /** The probability that the strong model's answer is better, by win rate, where it was measured. */
  outcomes: outcomeCurveSchema.optional(),
  target: calibrationTargetSchema.optional(),
  /**
   * The win rate that reaches the target, just above 1 for no strong call, with its 95% interval.
   */
  threshold: z.number().min(0).max(2).optional(),
  thresholdInterval: intervalSchema.optional(),
  /**
   * The result of the threshold on prompts that were not used to choose it, with a 95% interval.
   */
  achieved: z
    .object({
      rows: z.int().positive(),
      value: z.number(),
      interval: intervalSchema,
      strongShare: z.number().min(0).max(1),
    })
    .optional(),
});

/** A path inside the folder of the registry, in the notation of any system. */
const filePath = z
  .string()
  .regex(/^(?![/\\]|.*(^|[/\\])\.\.([/\\]|$))[^:]+$/, 'a path below the registry, without ".."');

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** One entry of `models/registry.json`. `file` is relative to the folder of the registry. */
export const scorerEntrySchema = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower-case letters, digits, ".", "_" and "-"'),
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/),
  file: filePath,
  sha256: sha256Schema,
  embedder: z.string().min(1),
  dimensions: z.int().positive(),
  models: z.array(z.string().min(1)).min(2),
  defaultPair: z.object({ strong: z.string(), weak: z.string() }),
  /** The pair that does best for two models that the scorer does not know, as `measure -- stand-ins` found. */
  standIns: z
    .object({ strong: z.string(), weak: z.string(), figures: z.record(z.string(), z.number()) })
    .optional(),
  trainedOn: z.string(),
  figures: z.record(z.string(), z.unknown()).default({}),
  calibrations: z.array(calibrationSchema).default([]),
  /** Scores of held-out prompts, from which any pair of models gets a calibration. */
  heldOutScores: z
    .object({ file: filePath, rows: z.int().positive(), sha256: sha256Schema })
    .optional(),
  /** Hashes of the training prompts, uint32 [rows], by which an evaluation knows them. */
  trainingPrompts: z.object({ file: filePath, rows: z.int().positive() }).optional(),
  /** Whether the id alone means this version. */
  active: z.boolean().optional(),
});

const registrySchema = z.object({
  scorers: z
    .array(
      scorerEntrySchema
        .refine(({ models, defaultPair }) => isPairOf(models, defaultPair), {
          path: ['defaultPair'],
          error: 'must be two of the models',
        })
        .refine(({ models, standIns }) => standIns === undefined || isPairOf(models, standIns), {
          path: ['standIns'],
          error: 'must be two of the models',
        }),
    )
    .superRefine((scorers, context) => {
      const active = scorers.flatMap(({ id, active }) => (active ? [id] : []));
      for (const id of new Set(active.filter((one, index) => active.indexOf(one) < index))) {
        context.addIssue(`only one version of "${id}" can be active`);
      }
    }),
});

function isPairOf(
  models: readonly string[],
  { strong, weak }: { readonly strong: string; readonly weak: string },
): boolean {
  return models.includes(strong) && models.includes(weak) && strong !== weak;
}

/** A calibration as the file has it: without a version it is the first. */
export type Calibration = Readonly<z.input<typeof calibrationSchema>>;
export type CalibrationTarget = Readonly<z.infer<typeof calibrationTargetSchema>>;
export type ScorerEntry = Readonly<z.infer<typeof scorerEntrySchema>>;
export type ScorerRegistry = Readonly<z.infer<typeof registrySchema>>;

/** Reads and checks `<folder>/registry.json`. Throws a ConfigError that names each bad field. */
export async function loadRegistry(folder: string): Promise<ScorerRegistry> {
  const path = join(folder, 'registry.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError([`The scorer registry ${path} cannot be read: ${String(error)}`]);
  }
  const parsed = registrySchema.safeParse(json);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.')}: ${issue.message}`),
    );
  }
  return parsed.data;
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
}

/**
 * Finds the version of a scorer that its id alone means: the active one, or the first one of a
 * registry in which none is.
 */
export function findInUse(scorers: readonly ScorerEntry[], id: string): ScorerEntry | undefined {
  const versions = scorers.filter((entry) => entry.id === id);
  return versions.find(({ active }) => active) ?? versions[0];
}

/** Returns the name `id@version`. */
export function nameOf({ id, version }: Pick<ScorerEntry, 'id' | 'version'>): string {
  return `${id}@${version}`;
}

/**
 * Finds a scorer by `id`, its version in use, or by `id@version`. Throws a ConfigError that lists
 * the registered scorers and says where the name stands: in a setting or an option.
 */
export function findScorer(
  registry: ScorerRegistry,
  name: string,
  place = '--scorer',
): ScorerEntry {
  const found =
    findInUse(registry.scorers, name) ?? registry.scorers.find((entry) => nameOf(entry) === name);
  if (found === undefined) {
    const known = registry.scorers.map(nameOf).join(', ');
    throw new ConfigError([
      `${place} names "${name}", which is not registered. Known: ${known || 'none'}.`,
    ]);
  }
  return found;
}
