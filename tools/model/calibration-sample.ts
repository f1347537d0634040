import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import type { WeighedPrompt } from './calibration-threshold.ts';
import type { KnownFacts, Weigh } from './calibration-weights.ts';
import { openEmbedder } from './embedders.ts';
import type { PromptItem } from './embeddings-file.ts';
import { type BadLineTolerance, readJsonLines } from './json-lines.ts';
import { parseRoutingRow } from './routing-rows.ts';

type SampleOptions = {
  readonly path: string;
  readonly tolerance: BadLineTolerance;
  readonly entry: ScorerEntry;
  readonly modelsFolder: string;
  readonly pair: ModelPair;
  readonly embeddingsFile?: string;
};

type SampledPrompt = PromptItem & { readonly facts: KnownFacts };

/** A sample of requests has no outcomes, but a row of the data format must have one. */
const NO_OUTCOME = { model_a: 'unknown a', model_b: 'unknown b', winner: 'tie' };
const OUTCOME_FIELDS = ['scores', 'model_a', 'model_b', 'winner'];

/**
 * Streams the prompts of a file through the scorer. Only numbers are kept of each prompt; the
 * result is undefined where a prompt lacks a fact to weigh. A prompt that comes twice counts twice,
 * as in traffic. Throws an InputError for an invalid or empty file, or embeddings that do not fit
 * the scorer.
 */
export async function scorePrompts(
  options: SampleOptions,
  weigh: Weigh,
): Promise<readonly (WeighedPrompt | undefined)[]> {
  const { path, entry, modelsFolder, pair, embeddingsFile } = options;
  const prompts = readPrompts(options);
  const scorer = await load(entry, modelsFolder);
  const embedder = await openEmbedder({
    embedder: entry.embedder,
    dimensions: entry.dimensions,
    ...(embeddingsFile !== undefined && { embeddingsFile }),
  });
  const weighed: (WeighedPrompt | undefined)[] = [];
  const underWay: KnownFacts[] = [];
  try {
    for await (const embedding of embedder.embedAll(remember(prompts, underWay))) {
      const winRate = await scorer.predictWinRate(embedding, pair).catch((error: unknown) => {
        throw new InputError(`Prompt ${weighed.length + 1} cannot be scored: ${String(error)}`);
      });
      weighed.push(weigh(winRate, underWay.shift()));
      if (weighed.length % 10_000 === 0) console.error(`${weighed.length} prompts scored ...`);
    }
  } finally {
    await embedder.close();
  }
  if (weighed.length === 0) throw new InputError(`${path} does not contain any prompts.`);
  return weighed;
}

/** Keeps the known facts of the prompts whose embeddings are awaited; the embeddings come in order. */
async function* remember(
  prompts: AsyncIterable<SampledPrompt>,
  underWay: KnownFacts[],
): AsyncGenerator<PromptItem> {
  for await (const { id, text, facts } of prompts) {
    underWay.push(facts);
    yield { id, text };
  }
}

function readPrompts({ path, tolerance }: SampleOptions): AsyncIterable<SampledPrompt> {
  switch (extname(path).toLowerCase()) {
    case '.txt':
      return readTextLines(path);
    case '.jsonl':
    case '.ndjson':
      return readJsonLines([path], { ...tolerance, parse: parseRow });
    default:
      throw new InputError(`--prompts must end in .txt or .jsonl, got "${basename(path)}".`);
  }
}

async function* readTextLines(path: string): AsyncGenerator<SampledPrompt> {
  let number = 0;
  try {
    const file = await open(path);
    for await (const line of file.readLines()) {
      number += 1;
      const text = line.replace(/^\uFEFF/, '').trim();
      if (text !== '') yield { id: `${basename(path)}:${number}`, text, facts: {} };
    }
  } catch (error) {
    throw new InputError(`The prompts cannot be read: ${String(error)}`);
  }
}

function parseRow(json: unknown): SampledPrompt {
  const row = parseRoutingRow(isBare(json) ? { ...json, ...NO_OUTCOME } : json);
  const { id, prompt, scores, costs, assumed } = row;
  return {
    id,
    text: prompt,
    facts: { ...(scores && !assumed && { scores }), ...(costs && { costs }) },
  };
}

function isBare(json: unknown): json is object {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  return OUTCOME_FIELDS.every((field) => Reflect.get(json, field) == null);
}
