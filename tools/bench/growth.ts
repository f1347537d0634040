import type { Progress } from '../command-line/progress.ts';
import { p50, type Spread, spreadOf } from '../measure/statistics.ts';
import { changeDeployment, simulatedDeployment } from '../measure/two-instances.ts';

/** How the router's own time grows with one quantity. */
export type Growth = { readonly what: string; readonly steps: readonly Step[] };

type Step = {
  readonly size: number;
  /** The router's own time in ms, from its header. */
  readonly ms: Spread;
  /** The ratios of the time and of the size to those of the previous step. */
  readonly factor?: number;
  readonly size_factor?: number;
};

type GrowthOptions = {
  /** A router with tables, whose registry may be changed. */
  readonly url: string;
  readonly simulatorUrl: string;
  readonly rounds: number;
  readonly progress: Progress;
};

const PATH = '/llm/openai/deployments/smart-router/chat/completions';
const REQUESTS = 20;
const SENTENCE =
  'The mill by the river has ground the corn of this village for two hundred years. ';

const BYTES = [1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000];
const MESSAGES = [1, 10, 100, 1_000];
const DEPLOYMENTS = [1, 10, 100, 1_000];
const MODELS = [2, 4, 8, 16, 32, 64];

/** Deployments that are added concurrently. */
const CONCURRENCY = 16;

/** Measures the growth with prompt bytes, messages, models and deployments, each separately. */
export async function measureGrowth(
  options: GrowthOptions & { readonly models: readonly string[] },
): Promise<Growth[]> {
  const bytes = await measureBodies(options, {
    what: 'bytes of the prompt',
    sizes: BYTES,
    bodyOfSize: (size) =>
      bodyOf([SENTENCE.repeat(Math.ceil(size / SENTENCE.length)).slice(0, size)]),
  });
  const messages = await measureBodies(options, {
    what: 'messages',
    sizes: MESSAGES,
    bodyOfSize: (size) => bodyOf(Array.from({ length: size }, () => SENTENCE)),
  });
  const short = bodyOf([SENTENCE]);
  const registered: Growth[] = [];
  for (const [what, sizes, modelOf] of [
    ['models', MODELS, (index: number) => options.models[index + 2]],
    ['deployments of one model', DEPLOYMENTS, () => options.models[2]],
  ] as const) {
    registered.push(await measureRegistered(options, { what, sizes, modelOf, body: short }));
  }
  return [bytes, messages, ...registered];
}

type Bodies = {
  readonly what: string;
  readonly sizes: readonly number[];
  readonly bodyOfSize: (size: number) => string;
};

/** Measures every size in each round, so that all sizes see the same state of the machine. */
async function measureBodies(
  { url, rounds, progress }: GrowthOptions,
  { what, sizes, bodyOfSize }: Bodies,
): Promise<Growth> {
  const found = new Map(sizes.map((size) => [size, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const size of sizes) {
      const ms = await timeRequests(url, bodyOfSize(size));
      if (round > 0) found.get(size)?.push(ms);
      progress.advance(1, `${size} ${what}`);
    }
  }
  return toGrowth(what, found);
}

/** Adds the deployments as the sizes grow, and deletes them at the end. */
async function measureRegistered(
  options: GrowthOptions,
  {
    what,
    sizes,
    modelOf,
    body,
  }: {
    readonly what: string;
    readonly sizes: readonly number[];
    readonly modelOf: (index: number) => string | undefined;
    readonly body: string;
  },
): Promise<Growth> {
  const { url, rounds, progress } = options;
  const found = new Map<number, number[]>();
  // Two models are configured already; each added deployment is the first of its own model.
  const configured = what === 'models' ? 2 : 0;
  let added = 0;
  for (const size of sizes) {
    const wanted = size - configured;
    while (added < wanted) {
      const some = Math.min(CONCURRENCY, wanted - added);
      await Promise.all(
        Array.from({ length: some }, (_, index) =>
          put(options, `grown-${added + index}`, modelOf(added + index) ?? ''),
        ),
      );
      added += some;
    }
    found.set(size, []);
    for (let round = 0; round <= rounds; round += 1) {
      const ms = await timeRequests(url, body);
      if (round > 0) found.get(size)?.push(ms);
    }
    progress.advance(rounds + 1, `${size} ${what}`);
  }
  for (let first = 0; first < added; first += CONCURRENCY) {
    const names = Array.from(
      { length: Math.min(CONCURRENCY, added - first) },
      (_, index) => `grown-${first + index}`,
    );
    await Promise.all(names.map((name) => changeDeployment(url, name, { method: 'DELETE' })));
  }
  return toGrowth(what, found);
}

async function put({ url, simulatorUrl }: GrowthOptions, name: string, model: string) {
  const definition = { ...simulatedDeployment(simulatorUrl, 'weak'), model: `of-${model}` };
  await changeDeployment(url, name, {
    method: 'PUT',
    definition: { ...definition, scorer_model: model },
  });
}

function bodyOf(contents: readonly string[]): string {
  return JSON.stringify({ messages: contents.map((content) => ({ role: 'user', content })) });
}

/** Returns the median of the router's own time, in ms. */
async function timeRequests(url: string, body: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < REQUESTS; index += 1) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + PATH, { method: 'POST', headers, body });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`The router answered ${response.status}: ${text}`);
    times.push(Number(response.headers.get('x-smart-router-overhead-ms')));
  }
  return p50(times);
}

function toGrowth(what: string, found: ReadonlyMap<number, readonly number[]>): Growth {
  let before: { readonly size: number; readonly median: number } | undefined;
  const steps = [...found].map(([size, times]): Step => {
    const ms = spreadOf(times);
    const factors = before && {
      factor: ms.median / before.median,
      size_factor: size / before.size,
    };
    before = { size, median: ms.median };
    return { size, ms, ...factors };
  });
  return { what, steps };
}

/** Returns the steps whose time grows faster than their size, beyond the noise of the clock. */
export function stepsWorseThanLinear(growth: readonly Growth[]): readonly string[] {
  return growth.flatMap(({ what, steps }) =>
    steps.flatMap(({ size, factor = 0, size_factor = 1 }) =>
      factor > NOISE * size_factor ? [`${what}, ${size}: ${factor.toFixed(2)} times`] : [],
    ),
  );
}

const NOISE = 1.3;
