import * as z from 'zod';
import { DeploymentNotAllowedError, mayCall } from '../access/caller.ts';
import type { Answer } from '../base/answer.ts';
import { DeploymentNotFoundError, HttpError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { parseWith } from '../base/parse-with.ts';
import { roundMs } from '../base/round-ms.ts';
import { toJson } from '../base/wire-json.ts';
import type { Call } from '../calls/call.ts';
import { passError } from '../chat/pass-error.ts';
import { createBlame } from '../upstream/blame.ts';
import { passAnswerHeaders, passRequestHeaders } from '../upstream/passed-headers.ts';
import { readAnswer } from '../upstream/read-answer.ts';
import type { Upstream } from '../upstream/upstream.ts';

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
  /** Absent: there is no embedding deployment, and every call fails with an error that says so. */
  readonly upstream?: Upstream;
  readonly maxAnswerBytes: number;
  /** Called with the tokens of an answer. */
  readonly countTokens: (call: Call, tokens: number) => void;
  readonly log: Log;
};

/** Passes an embeddings request through, so that an application needs only one address. */
export function createPassEmbeddings(
  options: PassEmbeddingsOptions,
): (call: Call) => Promise<Answer> {
  const { upstream } = options;

  function findUpstream(name: string | null | undefined, param: string): Upstream {
    const deployment = upstream?.deployment;
    // A client that knows only the router's name means the only embedding deployment.
    const names = [deployment?.name, deployment?.modelName, 'smart-router'];
    if (upstream && names.includes(name ?? undefined)) return upstream;
    throw new DeploymentNotFoundError(
      deployment === undefined
        ? 'No embedding deployment is configured: set EMBEDDING_DEPLOYMENT.'
        : `There is no embedding deployment of this name. Use ${deployment.name}.`,
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
    const { status, bytes, headers } = await send(options, call, {
      upstream: target,
      body: { ...body, model: target.deployment.name },
    });
    if (status !== 200) {
      return passError(status, bytes, headers);
    }
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/json' },
      body: bytes,
    };
  };
}

/** Makes the call, and reports how it ended to the log, the trace and the rate limits. */
async function send(
  { maxAnswerBytes, countTokens, log }: PassEmbeddingsOptions,
  call: Call,
  { upstream, body }: { upstream: Upstream; body: Readonly<Record<string, unknown>> },
) {
  const { deployment } = upstream;
  const trace = call.trace?.startCall({ operation: 'embeddings', deployment, body });
  const from = performance.now();
  function tell(status: number, code?: string | null, tokens?: number): void {
    const error = code ?? (status === 200 ? undefined : String(status));
    trace?.end({ status, error, ...(tokens !== undefined && { usage: { prompt: tokens } }) });
    const now = performance.now();
    log(status < 500 ? 'info' : 'warning', 'embeddings', {
      requestId: call.requestId,
      caller: call.caller?.name,
      useCase: call.useCase,
      deployment: deployment.name,
      status,
      error,
      tokens,
      upstreamMs: roundMs(now - from),
      totalMs: roundMs(now - call.startedAt),
    });
  }
  const blame = createBlame();
  try {
    const answer = await upstream.send({
      operation: 'embeddings',
      body: toJson(body),
      headers: { ...passRequestHeaders(call.header), ...trace?.headers },
      signal: call.signal,
      blame,
    });
    const { status } = answer;
    const said = await readAnswer(answer, {
      maxBytes: maxAnswerBytes,
      signal: call.signal,
      hold: call.hold,
    });
    const bytes = status === 200 ? said : answer.redact(said);
    if (status === 200) blame.answered();
    const tokens = status === 200 ? totalTokensOf(bytes) : undefined;
    if (tokens !== undefined) countTokens(call, tokens);
    tell(status, undefined, tokens);
    return { status, bytes, headers: passAnswerHeaders(answer.headers) };
  } catch (error) {
    const { status, code } = error instanceof HttpError ? error : { status: 500, code: 'failed' };
    tell(status, code);
    throw error;
  } finally {
    blame.settle();
  }
}

/** Searches the end of the answer: parsing all vectors for one number would take too long. */
function totalTokensOf(bytes: Buffer): number | undefined {
  const [, tokens] =
    /"total_tokens"\s*:\s*(\d+)/.exec(bytes.subarray(-512).toString('latin1')) ?? [];
  return tokens === undefined ? undefined : Number(tokens);
}
