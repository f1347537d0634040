import * as z from 'zod';
import type { Answer, Call } from './answer.ts';
import { DeploymentNotAllowedError, mayCall } from './caller.ts';
import { parseWith } from './chat/chat-request.ts';
import { DeploymentNotFoundError } from './errors.ts';
import { passError } from './upstream/pass-error.ts';
import { passAnswerHeaders, passRequestHeaders } from './upstream/passed-headers.ts';
import { readAnswer } from './upstream/read-answer.ts';
import { redactKey } from './upstream/redact-key.ts';
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
  /** Told what an answer has cost. */
  readonly countTokens: (call: Call, tokens: number) => void;
};

/** Sends an embeddings request through, so that an application needs one address for everything. */
export function createPassEmbeddings(
  options: PassEmbeddingsOptions,
): (call: Call) => Promise<Answer> {
  const { upstream, maxAnswerBytes, countTokens } = options;

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
    if (call.caller !== undefined && !mayCall(call.caller, target.deployment.name)) {
      throw new DeploymentNotAllowedError(call.caller, 'model');
    }
    const answer = await target.send({
      operation: 'embeddings',
      body: toJson({ ...body, model: target.deployment.name }),
      headers: passRequestHeaders(call.header),
      signal: call.signal,
    });
    const bytes = await readAnswer(answer, maxAnswerBytes, call.signal);
    const headers = passAnswerHeaders(answer.headers);
    if (answer.status !== 200) {
      return passError(answer.status, redactKey(bytes, target.deployment.apiKey), headers);
    }
    const tokens = totalTokensOf(bytes);
    if (tokens !== undefined) countTokens(call, tokens);
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/json' },
      body: bytes,
    };
  };
}

/** By looking for it at the end: parsing vectors to learn one number would take a while. */
function totalTokensOf(bytes: Buffer): number | undefined {
  const [, tokens] =
    /"total_tokens"\s*:\s*(\d+)/.exec(bytes.subarray(-512).toString('latin1')) ?? [];
  return tokens === undefined ? undefined : Number(tokens);
}
