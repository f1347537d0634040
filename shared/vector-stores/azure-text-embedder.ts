import type { OpenAI } from 'openai';
import { DeploymentNotAllowedError, mayCall } from '../access/caller.ts';
import { UpstreamError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import { createEmbeddingClient, MAX_TOKENS } from '../prompt-embedding/azure-embedder.ts';
import { shareUntilFailure } from '../storage/tables.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { GetToken } from '../upstream/entra-token.ts';
import type { EmbedFor, TextEmbedder } from './text-embedder.ts';

export function azureTextEmbedder(modelName: string): string {
  return `azure-openai/${modelName}`;
}

/** The dimensions that these models return by default. */
const KNOWN_DIMENSIONS: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1_536,
  'text-embedding-3-large': 3_072,
  'text-embedding-ada-002': 1_536,
};

/** The service takes 2,048 texts and 300,000 tokens in a call, which is 36 of the longest texts. */
const TEXTS_PER_CALL = 32;
const CONCURRENT_CALLS = 4;

type AzureOptions = {
  readonly deployment: Deployment;
  readonly getToken: GetToken;
  readonly timeoutMs: number;
};

type Batch = {
  readonly input: string[];
  readonly dimensions: number;
  readonly whom: EmbedFor;
};

/** Creates the embedder that calls the router's embedding deployment. */
export function createAzureTextEmbedder(options: AzureOptions): TextEmbedder {
  const { name, modelName } = options.deployment;
  const loadClient = shareUntilFailure(() => createEmbeddingClient({ ...options, maxRetries: 2 }));
  const known = KNOWN_DIMENSIONS[modelName];

  async function embedBatch(
    client: OpenAI,
    { input, dimensions, whom: { signal, onTokens } }: Batch,
  ): Promise<Float32Array[]> {
    const wish = known === undefined || known === dimensions ? {} : { dimensions };
    const body = { model: name, input, ...wish };
    const { data, usage } = await client.embeddings.create(body, { signal });
    onTokens?.(usage?.total_tokens ?? 0);
    if (data.length !== input.length) {
      throw new Error('The answer does not have one embedding for each text.');
    }
    return data
      .toSorted((a, b) => a.index - b.index)
      .map(({ embedding: numbers }) => Float32Array.from(numbers));
  }

  async function embed(
    texts: readonly string[],
    dimensions: number,
    whom: EmbedFor,
  ): Promise<Float32Array[]> {
    const { caller } = whom;
    if (caller !== undefined && !mayCall(caller, name)) {
      throw new DeploymentNotAllowedError(caller, 'embedder');
    }
    const batches: string[][] = [];
    for (let first = 0; first < texts.length; first += TEXTS_PER_CALL) {
      batches.push(texts.slice(first, first + TEXTS_PER_CALL));
    }
    const embedded: Float32Array[][] = [];
    const entries = batches.entries();
    try {
      const client = await loadClient();
      const work = async () => {
        for (const [index, input] of entries) {
          embedded[index] = await embedBatch(client, { input, dimensions, whom });
        }
      };
      await Promise.all(Array.from({ length: CONCURRENT_CALLS }, work));
    } catch (error) {
      throw new EmbeddingFailedError(error);
    }
    return embedded.flat();
  }

  return {
    id: azureTextEmbedder(modelName),
    maxTokens: MAX_TOKENS,
    findDimensions: async (wish, whom) => {
      if (known === undefined) return wish ?? (await embed(['dimensions'], 0, whom))[0]?.length;
      const canShorten = modelName.startsWith('text-embedding-3-');
      return wish === undefined || wish === known || (canShorten && wish < known)
        ? (wish ?? known)
        : undefined;
    },
    embed,
  };
}

/** The embedding deployment failed (502, or 429 if it is busy). */
class EmbeddingFailedError extends UpstreamError {
  constructor(cause: unknown) {
    const isBusy = cause instanceof Error && 'status' in cause && cause.status === 429;
    super(
      `The embedding deployment did not embed the texts (${errorKind(cause)}), and nothing was stored. Send them again.`,
      { status: isBusy ? 429 : 502, code: 'embedding_failed', cause },
    );
  }
}
