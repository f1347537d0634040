import * as z from 'zod';
import { candidateSchema } from '../../shared/openapi/answer-schemas.ts';
import { promptsOf, WORKS, type Work } from './prompts.ts';
import { lognormal, pick, type Random } from './random.ts';

/** The router's decision on a prompt. */
const decidedSchema = z.object({
  win_rate: z.number().optional(),
  percentile: z.number().optional(),
  threshold: z.number().optional(),
  tier: z.enum(['strong', 'weak', 'direct']),
  reason: z.string(),
  deployment: z.string(),
  selected_model: z.string(),
  candidates: z.array(candidateSchema),
});
export type Decided = z.infer<typeof decidedSchema>;

const answerSchema = z.object({ scorer: z.string(), data: z.array(decidedSchema) });

/** A made-up past request with the router's decision on it. */
export type PastRequest = {
  readonly at: number;
  readonly work: Work;
  readonly prompt: string;
  readonly scorer: string;
  readonly decided: Decided;
};

const HOUR_MS = 3_600_000;

/** Returns requests of the last hour in order of time, each decided by the running router. */
export async function decidePastRequests(
  url: string,
  random: Random,
  { requests, now }: { readonly requests: number; readonly now: number },
): Promise<readonly PastRequest[]> {
  const decisions = new Map<string, { scorer: string; decided: Decided }>();
  for (const work of WORKS) {
    const prompts = promptsOf(work);
    const { scorer, data } = answerSchema.parse(await routeAll(url, work.useCase, prompts));
    for (const [index, decided] of data.entries()) {
      decisions.set(prompts[index] ?? '', { scorer, decided });
    }
  }
  return Array.from({ length: requests }, () => timeIn(random, now))
    .toSorted((a, b) => a - b)
    .flatMap((at) => {
      const work = pickWork(random);
      const prompt = pick(random, promptsOf(work));
      const found = decisions.get(prompt);
      return found === undefined ? [] : [{ at, work, prompt, ...found }];
    });
}

/** Returns a random time in the last hour, more often in the middle than at the ends. */
function timeIn(random: Random, now: number): number {
  for (;;) {
    const share = random();
    if (random() < 0.55 + 0.45 * Math.sin(share * 9)) return Math.floor(now - share * HOUR_MS);
  }
}

function pickWork(random: Random): Work {
  const total = WORKS.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const work of WORKS) {
    left -= work.weight;
    if (left < 0) return work;
  }
  return pick(random, WORKS);
}

async function routeAll(url: string, useCase: string, prompts: readonly string[]) {
  const response = await fetch(`${url}/llm/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-use-case': useCase },
    body: JSON.stringify({ prompts, routing: { explain: true } }),
  });
  if (!response.ok)
    throw new Error(
      `The router answered ${response.status}: the demo needs a router without authentication.`,
    );
  return response.json();
}

/** Returns made-up token counts of a request and its answer. */
export function tokensOf(
  random: Random,
  { work, prompt, decided }: Pick<PastRequest, 'work' | 'prompt' | 'decided'>,
): { readonly prompt: number; readonly completion: number } {
  const wordy = decided.tier === 'strong' ? 1.3 : 1;
  return {
    prompt: Math.round(prompt.length / 4 + lognormal(random, work.contextTokens, 0.5)),
    completion: Math.round(lognormal(random, work.answerTokens * wordy, 0.45)),
  };
}
