import { HttpError } from '../base/errors.ts';
import { adaptBody } from '../capabilities/adapt-body.ts';
import { createLessons } from '../capabilities/lessons.ts';
import { readUsage } from '../chat-format/usage.ts';
import { type Deployment, upstreamNameOf } from '../upstream/deployment.ts';
import { readAnswer } from '../upstream/read-answer.ts';
import type { Upstream, UpstreamAnswer } from '../upstream/upstream.ts';

/** A deployment's answer to one tiny question. */
export type ProbeReport = {
  readonly ok: boolean;
  readonly status?: number;
  readonly latency_ms: number;
  /** The name of the model in the answer. */
  readonly model?: string;
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number };
  readonly error?: { readonly code: string; readonly message: string };
};

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_MESSAGE_LENGTH = 500;

/** 16 tokens are enough for reasoning models to answer at all. */
const QUESTION = { messages: [{ role: 'user', content: 'Say ok.' }], max_tokens: 16 };

/** Sends a deployment one tiny chat request, and a corrected one if its refusal tells how. Never throws. */
export async function probeDeployment(
  createUpstream: (deployment: Deployment) => Upstream,
  resolve: () => Promise<Deployment>,
): Promise<ProbeReport> {
  const from = performance.now();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const taken = () => Math.round(performance.now() - from);
  try {
    const deployment = await resolve();
    const upstream = createUpstream(deployment);
    const lessons = createLessons();
    for (let isCorrected = false; ; isCorrected = true) {
      const { body } = adaptBody(QUESTION, deployment.capabilities, lessons);
      const answer = await send(upstream, body, signal);
      const bytes = await readAnswer(answer, { maxBytes: MAX_ANSWER_BYTES, signal });
      if (answer.status === 400 && !isCorrected && lessons.learn(body, bytes)) continue;
      return { ...describe(answer.status, answer.redact(bytes)), latency_ms: taken() };
    }
  } catch (error) {
    const { code, message } =
      error instanceof HttpError ? error : { code: 'failed', message: 'The request failed.' };
    return { ok: false, latency_ms: taken(), error: { code: code ?? 'failed', message } };
  }
}

function send(upstream: Upstream, body: object, signal: AbortSignal): Promise<UpstreamAnswer> {
  return upstream.send({
    operation: 'chat/completions',
    body: JSON.stringify({ ...body, model: upstreamNameOf(upstream.deployment) }),
    headers: {},
    signal,
  });
}

function describe(status: number, bytes: Buffer): Omit<ProbeReport, 'latency_ms'> {
  const said = parse(bytes);
  const { model, usage, error } = said as Readonly<Record<string, unknown>>;
  if (status === 200 && 'choices' in said) {
    const { prompt, completion } = readUsage(usage);
    return {
      ok: true,
      status,
      ...(typeof model === 'string' && { model }),
      usage: {
        ...(prompt !== undefined && { prompt_tokens: prompt }),
        ...(completion !== undefined && { completion_tokens: completion }),
      },
    };
  }
  const { code, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const text = typeof message === 'string' ? message : 'The answer is not a chat completion.';
  return {
    ok: false,
    status,
    error: {
      code: typeof code === 'string' ? code : String(status),
      message: text.slice(0, MAX_MESSAGE_LENGTH),
    },
  };
}

function parse(bytes: Buffer): object {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
