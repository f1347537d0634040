import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type * as z from 'zod';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  type Calibration,
  loadRegistry,
  nameOf,
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
  /** Whether an entry of the same id and version may be replaced. */
  readonly isReplacing?: boolean;
};

/** The results that only a training yields; imported weights have none of them. */
type TrainingResults = {
  readonly figures?: Readonly<Record<string, unknown>>;
  readonly calibrations?: readonly Calibration[];
  /** Scores of held-out rows, float32 [rows, models]. */
  readonly heldOutScores?: Float32Array;
  /** Hashes of the training prompts, for `trainingPrompts`. */
  readonly promptHashes?: Uint32Array;
  /** The text of `card.md`, written next to the scorer. */
  readonly card?: string;
};

const FILE_NAME = 'scorer.onnx';
const SCORES_NAME = 'held-out-scores.bin';
const HASHES_NAME = 'training-prompts.bin';

type Place = Pick<Registration, 'modelsFolder' | 'isReplacing'> &
  Pick<ScorerHeader, 'id' | 'version'>;

/**
 * Checks everything that can be checked before the work: the scorer's name, the registry, and that
 * nothing is replaced unasked.
 */
export async function checkPlace({ modelsFolder, isReplacing, ...place }: Place): Promise<void> {
  const { id, version } = place;
  refuseInvalid(scorerEntrySchema.pick({ id: true, version: true }).safeParse({ id, version }));
  findReplaced(await readScorers(modelsFolder), { ...place, isReplacing: isReplacing === true });
}

/** Returns the entry of this id and version. Throws an InputError when it must not be replaced. */
function findReplaced(
  scorers: readonly ScorerEntry[],
  { isReplacing, ...place }: Omit<Place, 'modelsFolder'>,
): ScorerEntry | undefined {
  const found = scorers.find((entry) => nameOf(entry) === nameOf(place));
  if (found === undefined || isReplacing) return found;
  const versions = scorers.filter(({ id }) => id === place.id).map(({ version }) => version);
  throw new InputError(
    `${nameOf(place)} is registered already: give another --scorer-version (${place.id} has ${versions.join(', ')}), or --replace to lose the earlier scorer with its calibrations.`,
  );
}

async function readScorers(modelsFolder: string): Promise<readonly ScorerEntry[]> {
  if (!existsSync(join(modelsFolder, 'registry.json'))) return [];
  return (await loadRegistry(modelsFolder)).scorers;
}

/**
 * Writes `<folder>/<id>/<version>/scorer.onnx` and its registry entry, which becomes the version
 * in use of its id. The other versions stay. Everything is written next to its place and tried
 * first, the registry is renamed last, and a failure restores the previous state.
 */
export async function registerScorer(registration: Registration): Promise<ScorerEntry> {
  const { modelsFolder, header, bytes, training = {}, isReplacing = false } = registration;
  const { card, heldOutScores, promptHashes } = training;
  const { id, version } = header;
  const scorers = await readScorers(modelsFolder);
  const earlier = findReplaced(scorers, { id, version, isReplacing });
  const entry = createEntry(registration, earlier);
  const others = scorers.map((one) => (one.id === id ? { ...one, active: undefined } : one));
  const changed =
    earlier === undefined ? [...others, entry] : others.with(scorers.indexOf(earlier), entry);
  const folder = join(modelsFolder, posix.dirname(entry.file));
  const fileOf = (place: { readonly file: string } | undefined, content: TypedArray | undefined) =>
    place && content ? [{ path: join(modelsFolder, place.file), content: toBytes(content) }] : [];
  await replaceFiles(
    folder,
    [
      { path: join(modelsFolder, entry.file), content: bytes },
      ...(card === undefined ? [] : [{ path: join(folder, 'card.md'), content: card }]),
      ...fileOf(entry.heldOutScores, heldOutScores),
      ...fileOf(entry.trainingPrompts, promptHashes),
      {
        path: join(modelsFolder, 'registry.json'),
        content: `${JSON.stringify({ scorers: changed }, null, 2)}\n`,
      },
    ],
    () => load({ ...entry, file: temporary(entry.file) }, modelsFolder),
  );
  return entry;
}

type TypedArray = Float32Array | Uint32Array;

function toBytes({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function createEntry(
  { header, bytes, defaultPair, trainedOn, training = {} }: Registration,
  earlier: ScorerEntry | undefined,
): ScorerEntry {
  const { figures = {}, calibrations = [], heldOutScores, promptHashes } = training;
  const file = earlier?.file ?? posix.join(header.id, header.version, FILE_NAME);
  const beside = (name: string) => posix.join(posix.dirname(file), name);
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
      file,
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
          file: beside(SCORES_NAME),
          rows: heldOutScores.length / header.models.length,
          sha256: sha256Of(toBytes(heldOutScores)),
        },
      }),
      ...(promptHashes?.length && {
        trainingPrompts: { file: beside(HASHES_NAME), rows: promptHashes.length },
      }),
      active: true,
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
