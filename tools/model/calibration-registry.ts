import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { VALIDATION } from '../../shared/matrix-factorization/held-out-scores.ts';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import {
  type Calibration,
  type ScorerEntry,
  scorerEntrySchema,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import { replaceFiles } from './replace-files.ts';

/** An entry as the file has it: unknown fields are written back as they were read. */
type RawEntry = { calibrations?: unknown[]; standIns?: unknown };

const rawRegistrySchema = z.object({
  scorers: z.array(z.custom<RawEntry>((value) => scorerEntrySchema.safeParse(value).success)),
});

/** Returns the version of the next calibration of this id; earlier ones stay. */
export function nextVersion({ calibrations }: ScorerEntry, id: string): number {
  const versions = calibrations.filter((one) => one.id === id).map(({ version }) => version);
  return 1 + Math.max(0, ...versions);
}

/**
 * Adds a calibration after the scorer's others. Throws an InputError and leaves the registry
 * unchanged when it cannot be written, or when the scorer has changed since `entry` was read.
 */
export function addCalibration(
  modelsFolder: string,
  entry: ScorerEntry,
  calibration: Calibration,
): Promise<void> {
  return changeEntry(modelsFolder, entry, (scorer) => {
    scorer.calibrations = [...(scorer.calibrations ?? []), calibration];
  });
}

/**
 * Records the pair that stands for unknown models, with its calibration, which replaces the one that
 * came with an earlier such pair. The operator's calibrations stay the newest. Throws as addCalibration does.
 */
export function recordStandIns(
  modelsFolder: string,
  entry: ScorerEntry,
  {
    standIns,
    calibration,
  }: {
    readonly standIns: NonNullable<ScorerEntry['standIns']>;
    readonly calibration: Calibration;
  },
): Promise<void> {
  const isShippedOf = ({ id, strong, weak }: Calibration, pair: ModelPair | undefined) =>
    id === VALIDATION && strong === pair?.strong && weak === pair?.weak;
  const kept = entry.calibrations.filter(
    (one) => isShippedOf(one, entry.defaultPair) || !isShippedOf(one, entry.standIns),
  );
  return changeEntry(modelsFolder, entry, (scorer) => {
    scorer.standIns = standIns;
    const others = kept.filter((one) => !isShippedOf(one, standIns));
    scorer.calibrations = [calibration, ...others];
  });
}

async function changeEntry(
  modelsFolder: string,
  entry: ScorerEntry,
  change: (scorer: RawEntry) => void,
): Promise<void> {
  const path = join(modelsFolder, 'registry.json');
  const text = await readFile(path, 'utf8');
  const registry: unknown = JSON.parse(text);
  const known = JSON.stringify(entry);
  const scorer = rawRegistrySchema
    .parse(registry)
    .scorers.find((raw) => JSON.stringify(scorerEntrySchema.parse(raw)) === known);
  if (scorer === undefined) throw changed(path);
  change(scorer);
  scorerEntrySchema.parse(scorer);
  const content = formatAs(text, registry);
  await replaceFiles(modelsFolder, [{ path, content }], async () => {
    if ((await readFile(path, 'utf8')) !== text) throw changed(path);
  });
}

/** Formats the JSON with the indentation, line breaks and final line break of the file. */
function formatAs(text: string, json: unknown): string {
  const indentation = /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1];
  const end = /\s*$/.exec(text)?.[0] ?? '';
  const formatted = JSON.stringify(json, null, indentation);
  return `${text.includes('\r\n') ? formatted.replaceAll('\n', '\r\n') : formatted}${end}`;
}

function changed(path: string): InputError {
  return new InputError(`${path} was changed in the meantime. Run the command again.`);
}
