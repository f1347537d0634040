import { fileURLToPath } from 'node:url';
import type { Environment } from '../../shared/base/settings-reader.ts';
import {
  ENCODER_EMBEDDER,
  insertSentence,
} from '../../shared/prompt-embedding/encoder-embedder.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import {
  findOwnEmbedder,
  isOwnId,
  OWN_EMBEDDERS,
} from '../../shared/prompt-embedding/own-embedders.ts';
import { readPrompt } from '../../shared/prompt-embedding/prompt-words.ts';
import { loadEncoder } from '../../shared/sentence-encoder/encoder-files.ts';
import { shareUntilFailure } from '../../shared/storage/tables.ts';
import { InputError } from '../command-line/input-error.ts';
import { createAzureBatchEmbedder, type EmbedBatch } from './azure-batch-embedder.ts';
import { type BatchEmbedder, createBatchEmbedder } from './batch-embedder.ts';
import { EmbeddingsFile } from './embeddings-file.ts';
import { openNumpyArray } from './numpy-array.ts';

type EmbedderOptions = {
  /** `local`, or an embedder's id as in the registry. */
  readonly embedder: string;
  /** JSON lines, to which missing embeddings are added, or a `.npy` file of exactly the data's rows. */
  readonly embeddingsFile?: string;
  /** Dimensions that the scorer takes; any by default. */
  readonly dimensions?: number;
  /** Settings that name the embedding deployment, read when the first embedding has to be computed. */
  readonly env?: Environment;
};

/** Pattern of embedder ids such as `azure-openai/text-embedding-3-small`, since an id becomes a header. */
const EMBEDDER_ID = /^[a-z0-9][a-z0-9-]*\/[\w.:/-]{1,100}$/i;

/**
 * Opens an embedder: one of the router's own, or for any other id the deployment that `EMBEDDING_DEPLOYMENT`
 * names, as in the running service. Throws an InputError when the id is invalid or the file does
 * not fit it.
 */
export async function openEmbedder(options: EmbedderOptions): Promise<BatchEmbedder> {
  const { embeddingsFile, dimensions, env = process.env } = options;
  const { id, embedBatch } = resolveEmbedder(options.embedder, env);
  if (embeddingsFile === undefined) {
    return createBatchEmbedder({ id, embedBatch, ...(dimensions !== undefined && { dimensions }) });
  }
  if (embeddingsFile.endsWith('.npy')) return openMatrix(id, embeddingsFile, dimensions);
  const file = await EmbeddingsFile.open(embeddingsFile, id);
  checkDimensions(embeddingsFile, file.dimensions, dimensions);
  const expected = dimensions ?? file.dimensions;
  return createBatchEmbedder({
    id,
    embedBatch,
    file,
    ...(expected !== undefined && { dimensions: expected }),
  });
}

function resolveEmbedder(
  embedder: string,
  env: Environment,
): { readonly id: string; readonly embedBatch: EmbedBatch } {
  const own = findOwnEmbedder(embedder === 'local' ? LOCAL_EMBEDDER.id : embedder);
  if (own !== undefined) {
    const isEncoder = own.id === ENCODER_EMBEDDER.id;
    return { id: own.id, embedBatch: createOwnBatchEmbedder(isEncoder ? loadEncoding : loadLocal) };
  }
  if (isOwnId(embedder)) {
    const known = OWN_EMBEDDERS.map(({ id }) => id).join(' and ');
    throw new InputError(
      `The router's own embedders are ${known}: ${embedder} is another version.`,
    );
  }
  if (EMBEDDER_ID.test(embedder)) {
    return { id: embedder, embedBatch: createAzureBatchEmbedder(embedder, env) };
  }
  throw new InputError(
    `The embedder must be local or ${ENCODER_EMBEDDER.id}, or look like azure-openai/text-embedding-3-small, got "${embedder}".`,
  );
}

type Embed = (text: string) => Float32Array | Promise<Float32Array>;

/** Files of the project, whichever folder the scorers are in. */
const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

async function loadLocal(): Promise<Embed> {
  return (await loadLocalEmbedder(MODELS)).embed;
}

async function loadEncoding(): Promise<Embed> {
  const [local, { encode }] = await Promise.all([loadLocalEmbedder(MODELS), loadEncoder(MODELS)]);
  return async (text) => insertSentence(local.embed(text), await encode(readPrompt(text)));
}

function createOwnBatchEmbedder(load: () => Promise<Embed>): EmbedBatch {
  const loadOnce = shareUntilFailure(load);
  return async (texts) => {
    const embed = await loadOnce();
    const embeddings: Float32Array[] = [];
    for (const text of texts) embeddings.push(await embed(text));
    return embeddings;
  };
}

/**
 * Opens a matrix of embeddings. Its rows name no prompts: they are the rows of the data, from the
 * first to the last.
 */
async function openMatrix(
  id: string,
  path: string,
  dimensions: number | undefined,
): Promise<BatchEmbedder> {
  const matrix = await openNumpyArray(path);
  if (dimensions !== undefined && matrix.columns !== dimensions) await matrix.close();
  checkDimensions(path, matrix.columns, dimensions);
  return {
    id,
    async *embedAll(prompts) {
      let row = 0;
      for await (const _ of prompts) {
        if (row === matrix.rows) throw mismatch(path, `only ${row} rows`);
        yield await matrix.readRow(row);
        row += 1;
      }
      if (row < matrix.rows) throw mismatch(path, `${matrix.rows} rows, the data ${row}`);
    },
    close: () => matrix.close(),
  };
}

function mismatch(path: string, what: string): InputError {
  return new InputError(`${path} has ${what}: it must have one row for each row of the data.`);
}

function checkDimensions(path: string, found: number | undefined, expected: number | undefined) {
  if (found === undefined || expected === undefined || found === expected) return;
  throw new InputError(
    `The embeddings in ${path} have ${found} dimensions; the scorer takes ${expected}.`,
  );
}
