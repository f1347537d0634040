import type { OpenAI } from 'openai';
import { ConfigError } from '../../shared/base/errors.ts';
import { type Environment, SettingsReader } from '../../shared/base/settings-reader.ts';
import { createEmbeddingClient, MAX_TOKENS } from '../../shared/prompt-embedding/azure-embedder.ts';
import { cutToTokens } from '../../shared/prompt-embedding/cut-to-tokens.ts';
import type { Deployment } from '../../shared/upstream/deployment.ts';
import { createAzureCredential, createTokenProvider } from '../../shared/upstream/entra-token.ts';
import { readDeployment } from '../../shared/upstream/read-deployment.ts';
import { InputError } from '../command-line/input-error.ts';
import { explainFailedCall } from './explain-failed-call.ts';

/** Computes one embedding per text, in order. */
export type EmbedBatch = (
  texts: readonly string[],
  signal: AbortSignal,
) => Promise<readonly Float32Array[]>;

type Embedding = OpenAI.Embeddings.Embedding;

type Call = {
  readonly client: OpenAI;
  readonly model: string;
  readonly input: string[];
  readonly signal: AbortSignal;
};

type Connection = { readonly client: OpenAI; readonly deployment: Deployment };

/** Timeout of one attempt of one request, in milliseconds. */
const TIMEOUT_MS = 120_000;

/**
 * Retries of the client. It waits as long as `retry-after` says (up to 60 s), else 0.5 s, 1 s, ...
 * up to 8 s.
 */
const MAX_RETRIES = 5;

/**
 * Creates an embedder that calls the embedding deployment. It reads the settings at the first call,
 * so a run that finds all embeddings in a file needs none. Throws a ConfigError or an InputError.
 */
export function createAzureBatchEmbedder(embedder: string, env: Environment): EmbedBatch {
  let connection: Promise<Connection> | undefined;
  let successes = 0;

  async function create(call: Call, triesLeft = MAX_RETRIES): Promise<readonly Embedding[]> {
    const { client, model, input, signal } = call;
    const successesBefore = successes;
    try {
      const { data } = await client.embeddings.create({ model, input }, { signal });
      successes += 1;
      return data;
    } catch (error) {
      // Concurrent requests share a quota: a refused one tries again as long as others get through.
      if (statusOf(error) === 429 && successes > successesBefore) return create(call, triesLeft);
      // The client itself does not retry when an answer breaks off.
      if (isCutOff(error) && triesLeft > 0) return create(call, triesLeft - 1);
      throw error;
    }
  }

  return async function embedBatch(texts, signal) {
    if (texts.includes('')) {
      throw new InputError(
        'A row of the data has an empty prompt, which a deployment cannot embed: remove the row.',
      );
    }
    connection ??= connect(embedder, env);
    const { client, deployment } = await connection;
    const input: string[] = [];
    for (const text of texts) input.push(await cutToTokens(text, MAX_TOKENS));
    const call = { client, model: deployment.name, input, signal };
    const data = await create(call).catch(async (error: unknown) => {
      throw await explainFailedCall(error, deployment, MAX_RETRIES);
    });
    if (data.length === texts.length) {
      return data.map(({ embedding }) => Float32Array.from(embedding));
    }
    throw new InputError(
      `The embedding deployment "${deployment.name}" returned ${data.length} embeddings for ${texts.length} texts.`,
    );
  };
}

async function connect(embedder: string, env: Environment): Promise<Connection> {
  const deployment = readEmbeddingDeployment(embedder, env);
  const client = await createEmbeddingClient({
    deployment,
    getToken: createTokenProvider(createAzureCredential()),
    timeoutMs: TIMEOUT_MS,
    maxRetries: MAX_RETRIES,
  });
  return { client, deployment };
}

/** Reads the embedding deployment. Throws a ConfigError with every problem of its settings. */
function readEmbeddingDeployment(embedder: string, env: Environment): Deployment {
  const read = new SettingsReader(env);
  const deployment = readDeployment(read, 'EMBEDDING');
  const model = read.text('EMBEDDING_MODEL');
  if (model !== undefined && !embedder.endsWith(`/${model}`)) {
    read.problem(
      `EMBEDDING_MODEL is "${model}", but the embedder is ${embedder}: name a deployment of that model.`,
    );
  }
  if (deployment === undefined || read.problems.length > 0) throw new ConfigError(read.problems);
  return deployment;
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'status' in error ? error.status : undefined;
}

/** Tells whether fetch reports that the answer broke off. */
function isCutOff(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'terminated';
}
