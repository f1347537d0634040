import * as z from 'zod';
import type { Answer, Call } from './answer.ts';
import { parseWith } from './chat/chat-request.ts';
import { DeploymentNotFoundError } from './errors.ts';
import { passError } from './upstream/pass-error.ts';
import { passAnswerHeaders, passRequestHeaders } from './upstream/passed-headers.ts';
import { readAnswer } from './upstream/read-answer.ts';
import type { Upstream } from './upstream/upstream.ts';
import { toJson } from './wire-json.ts';

export const embeddingsSchema = z.looseObject({
  input: z
    .union([z.string(), z.array(z.union([z.string(), z.int(), z.array(z.int())])).min(1)])
    .describe('A text, texts, tokens, or arrays of tokens.'),
  model: z
    .string()
    .nullish()
    .describe(
      'The embedding deployment or its model, or `smart-router`. Ignored where the path names a deployment.',
    ),
});

type PassEmbeddingsOptions = {
  /** Absent: there is no embedding deployment, and every call is told so. */
  readonly upstream?: Upstream;
  readonly maxAnswerBytes: number;
};

/** Sends an embeddings request through, so that an application needs one address for everything. */
export function createPassEmbeddings(
  options: PassEmbeddingsOptions,
): (call: Call) => Promise<Answer> {
  const { upstream, maxAnswerBytes } = options;

  function findUpstream(name: string | null | undefined, param: string): Upstream {
    const deployment = upstream?.deployment;
    // A client that knows one name, the router's, means the one embedding deployment by it.
    const names = [deployment?.name, deployment?.modelName, 'smart-router'];
    if (upstream && names.includes(name ?? undefined)) return upstream;
    throw new DeploymentNotFoundError(
      deployment === undefined
        ? 'No embedding deployment is configured: set EMBEDDING_DEPLOYMENT.'
        : `There is no embedding deployment of this name. There is ${deployment.name}.`,
      param,
    );
  }

  return async (call) => {
    const body = parseWith(embeddingsSchema, call.body);
    const target =
      call.deployment === undefined
        ? findUpstream(body.model, 'model')
        : findUpstream(call.deployment, 'deployment');
    const answer = await target.send({
      operation: 'embeddings',
      body: toJson({ ...body, model: target.deployment.name }),
      headers: passRequestHeaders(call.header),
      signal: call.signal,
    });
    const bytes = await readAnswer(answer, maxAnswerBytes, call.signal);
    const headers = passAnswerHeaders(answer.headers);
    if (answer.status !== 200) return passError(answer.status, bytes, headers);
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/json' },
      body: bytes,
    };
  };
}
