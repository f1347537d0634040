import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type * as z from 'zod';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  type Calibration,
  loadRegistry,
  type ScorerEntry,
  scorerEntrySchema,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import type { ScorerHeader } from './onnx-graph.ts';
import { replaceFiles, temporary } from './replace-files.ts';

type Registration = {
  readonly modelsFolder: string;
  readonly header: ScorerHeader;
  /** The bytes of the ONNX file. */
  readonly bytes: Uint8Array;
  readonly defaultPair: { readonly strong: string; readonly weak: string };
  readonly trainedOn: string;
  readonly training?: TrainingResults;
};

/** The results that only a training yields; imported weights have none of them. */
type TrainingResults = {
  readonly figures?: Readonly<Record<string, unknown>>;
  readonly calibrations?: readonly Calibration[];
  /** Scores of held-out rows, float32 [rows, models]. */
  readonly heldOutScores?: Float32Array;
  /** The text of `card.md`, written next to the scorer. */
  readonly card?: string;
};

const FILE_NAME = 'scorer.onnx';
const SCORES_NAME = 'held-out-scores.bin';

type Place = Pick<Registration, 'modelsFolder'> & Pick<ScorerHeader, 'id' | 'version'>;

/** Checks everything that can be checked before the work: the scorer's name and the registry. */
export async function checkPlace({ modelsFolder, id, version }: Place): Promise<void> {
  refuseInvalid(scorerEntrySchema.pick({ id: true, version: true }).safeParse({ id, version }));
  await readScorers(modelsFolder);
}

async function readScorers(modelsFolder: string): Promise<readonly ScorerEntry[]> {
  if (!existsSync(join(modelsFolder, 'registry.json'))) return [];
  return (await loadRegistry(modelsFolder)).scorers;
}

/**
 * Writes `<folder>/<id>/scorer.onnx` and its registry entry, which replaces one of the same id.
 * Everything is written next to its place and tried first, the registry is renamed last, and a
 * failure restores the previous state.
 */
export async function registerScorer(registration: Registration): Promise<ScorerEntry> {
  const { modelsFolder, header, bytes, training = {} } = registration;
  const { card, heldOutScores } = training;
  const registryPath = join(modelsFolder, 'registry.json');
  const scorers = await readScorers(modelsFolder);
  const earlier = scorers.find(({ id }) => id === header.id);
  const entry = createEntry(registration, earlier);
  const place = scorers.findIndex(({ id }) => id === header.id);
  const replaced = place === -1 ? [...scorers, entry] : scorers.with(place, entry);
  const registryText = `${JSON.stringify({ scorers: replaced }, null, 2)}\n`;
  await replaceFiles(
    join(modelsFolder, header.id),
    [
      { path: join(modelsFolder, entry.file), content: bytes },
      ...(card === undefined
        ? []
        : [{ path: join(modelsFolder, header.id, 'card.md'), content: card }]),
      ...(heldOutScores === undefined
        ? []
        : [{ path: join(modelsFolder, header.id, SCORES_NAME), content: toBytes(heldOutScores) }]),
      { path: registryPath, content: registryText },
    ],
    () => load({ ...entry, file: temporary(entry.file) }, modelsFolder),
  );
  return entry;
}

function toBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function createEntry(
  { header, bytes, defaultPair, trainedOn, training = {} }: Registration,
  earlier: ScorerEntry | undefined,
): ScorerEntry {
  const { figures = {}, calibrations = [], heldOutScores } = training;
  const sha256 = sha256Of(bytes);
  for (const model of [defaultPair.strong, defaultPair.weak]) {
    if (header.models.includes(model)) continue;
    throw new InputError(
      `"${model}" is not one of the scorer's models: ${header.models.join(', ')}.`,
    );
  }
  // A calibration belongs to one file, since another file has other win rates.
  const earlierOnes = earlier?.sha256 === sha256 ? earlier.calibrations : [];
  const lost = (earlier?.calibrations.length ?? 0) - earlierOnes.length;
  if (lost > 0) {
    console.error(
      `${header.id}@${earlier?.version} is replaced, which removes its ${lost} calibration(s).`,
    );
  }
  const kept = earlierOnes.filter(
    (one) => !calibrations.some(({ id, version = 1 }) => id === one.id && version === one.version),
  );
  return refuseInvalid(
    scorerEntrySchema.safeParse({
      id: header.id,
      version: header.version,
      file: `${header.id}/${FILE_NAME}`,
      sha256,
      embedder: header.embedder,
      dimensions: header.dimensions,
      models: header.models,
      defaultPair,
      ...keptStandIns(header, earlier),
      trainedOn,
      figures,
      // The operator's calibrations stay the newest ones, and the newest one applies.
      calibrations: [...calibrations, ...kept],
      ...(heldOutScores && {
        heldOutScores: {
          file: `${header.id}/${SCORES_NAME}`,
          rows: heldOutScores.length / header.models.length,
          sha256: sha256Of(toBytes(heldOutScores)),
        },
      }),
    }),
  );
}

/** Keeps the pair for unknown models, if the new scorer has both: what is best may have changed. */
function keptStandIns(
  { id, models }: ScorerHeader,
  earlier: ScorerEntry | undefined,
): Pick<ScorerEntry, 'standIns'> {
  const standIns = earlier?.standIns;
  if (standIns === undefined) return {};
  console.error(
    `Measure again which pair stands for models that ${id} does not know: npm run measure -- stand-ins --register`,
  );
  const hasBoth = models.includes(standIns.strong) && models.includes(standIns.weak);
  return hasBoth ? { standIns } : {};
}

function refuseInvalid<Value>(parsed: z.ZodSafeParseResult<Value>): Value {
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(`The scorer's ${issue?.path.join('.')} is not valid: ${issue?.message}.`);
}
