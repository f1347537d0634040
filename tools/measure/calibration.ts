import { readFile } from 'node:fs/promises';
import { createOwnQuantiles, type OwnQuantiles } from '../../shared/decisions/own-quantiles.ts';
import { createFindQuantiles } from '../../shared/matrix-factorization/calibrate-models.ts';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../shared/matrix-factorization/stand-in-choice.ts';
import { readThreshold } from '../../shared/policy/controls.ts';
import { createEvenDraws } from '../../shared/policy/even-draws.ts';
import { fromText, toText } from '../../shared/policy/recent-win-rates.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { createRandom } from '../model/random.ts';

const PROMPTS = new URL('../model/everyday-and-expert.jsonl', import.meta.url);
const SHARES = [0.1, 0.3, 0.5, 0.8];
/** The requests to learn from, and then as many to measure on. */
const REQUESTS = 2_000;
/** The instances that share what they learn, and the requests after which each does. */
const INSTANCES = 3;
const SYNC = 200;

/** The win rates that the prompts of a kind of traffic are drawn from. */
type Traffic = { readonly name: string; readonly winRates: readonly number[] };

type Pair = ScorerEntry['defaultPair'];

/**
 * Sends simulated traffic of each kind, in turn, to a router that follows its decisions, and prints
 * the strong share of 2,000 requests after 2,000 of that kind, next to that of the shipped quantiles.
 */
export async function measureCalibration(
  entry: ScorerEntry,
  modelsFolder: string,
  rounds: number,
): Promise<void> {
  const heldOutScores = await loadHeldOutScores(entry, modelsFolder);
  const pair = unknownPairOf(entry);
  const benchmark = heldOutScores?.winRates(pair.strong, pair.weak) ?? [];
  const kinds = [{ name: 'benchmark', winRates: benchmark }, ...(await score(entry, modelsFolder))];
  const findShipped = createFindQuantiles({ heldOutScores });
  console.log(
    `The strong share of requests 2,001 to 4,000 of each kind, which follows the kind above it: mean and greatest deviation of ${rounds} rounds.`,
  );
  console.log('| Traffic | Share asked | `shipped` | `auto` | deviation | greatest |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const asked of SHARES) {
    const got = Array.from({ length: rounds }, (_, round) =>
      sendAll(kinds, { pair, findShipped, asked, random: createRandom(1 + round) }),
    );
    for (const [index, { name, winRates }] of kinds.entries()) {
      const shares = got.map((round) => round[index] ?? 0);
      const mean = shares.reduce((sum, share) => sum + share, 0) / rounds;
      const deviations = shares.map((share) => Math.abs(share - asked));
      const deviation = deviations.reduce((sum, one) => sum + one, 0) / rounds;
      const shipped = shippedShare(winRates, { pair, findShipped, asked });
      const cells = [asked, shipped, mean, deviation, Math.max(...deviations)].map(percent);
      console.log(`| ${name} | ${cells.join(' | ')} |`);
    }
  }
}

type Sent = {
  readonly pair: Pair;
  readonly findShipped: OwnQuantiles['find'];
  readonly asked: number;
};

function shippedShare(winRates: readonly number[], sent: Sent): number {
  const { pair, findShipped, asked } = sent;
  const threshold = thresholdOf(findShipped, pair, { asked, random: Math.random });
  return winRates.filter((winRate) => winRate >= threshold.value).length / winRates.length;
}

function thresholdOf(
  find: OwnQuantiles['find'],
  { strong, weak }: Pair,
  { asked, random }: { readonly asked: number; readonly random: () => number },
) {
  const modes = { cost: 0.2, balanced: 0.5, quality: 0.8 };
  const quantiles = find(strong, weak, 'chat');
  const nothing = { asked: {}, asker: 'request' } as const;
  return readThreshold(nothing, { strongShare: asked, modes }, { quantiles, random });
}

/** Sends 4,000 requests of each kind to the instances, and returns the shares of the second half. */
function sendAll(
  kinds: readonly Traffic[],
  { pair, findShipped, asked, random }: Sent & { readonly random: () => number },
): number[] {
  const instances = Array.from({ length: INSTANCES }, () => ({
    own: createOwnQuantiles({ findShipped, isStored: true }),
    draw: createEvenDraws(random()),
  }));
  const store: Store = new Map();
  let sent = 0;
  const send = (winRates: readonly number[]) => {
    const instance = instances[sent % INSTANCES];
    if (instance === undefined) return 0;
    const { own, draw } = instance;
    sent += 1;
    if (sent % SYNC < INSTANCES) share(own, store);
    const winRate = winRates[Math.floor(random() * winRates.length)] ?? 0;
    const { value, from: thresholdFrom } = thresholdOf(own.find, pair, { asked, random: draw });
    const isStrong = winRate >= value;
    own.add({
      ...UNUSED,
      useCase: 'chat',
      tier: isStrong ? 'strong' : 'weak',
      scorerStrong: pair.strong,
      scorerWeak: pair.weak,
      winRate,
      thresholdFrom,
    });
    return Number(isStrong);
  };
  return kinds.map(({ winRates }) => {
    for (let request = 0; request < REQUESTS; request += 1) send(winRates);
    let strong = 0;
    for (let request = 0; request < REQUESTS; request += 1) strong += send(winRates);
    return strong / REQUESTS;
  });
}

/** The facts of a decision that do not matter here. */
const UNUSED = {
  requestId: '',
  at: 0,
  deployment: '',
  selectedModel: '',
  reason: 'win-rate',
  embeddingCache: 'none',
  attempts: '',
  stream: false,
  status: 200,
  overheadMs: 0,
  totalMs: 0,
} as const;

type Key = Parameters<OwnQuantiles['adopt']>[0];
type Stored = {
  readonly key: Key;
  readonly etag: string;
  readonly count: number;
  readonly text: string;
};
type Store = Map<string, Stored>;

/** Reads what others have stored, and stores the rest, as instances do with a table. */
function share(instance: OwnQuantiles, store: Store): void {
  for (const { key, etag, count, text } of store.values()) {
    instance.adopt(key, { etag, recent: fromText(count, text) });
  }
  for (const group of instance.pending()) {
    const { key, recent, pending } = group;
    const [count, text] = [recent.count, toText(recent)];
    const etag = String(count);
    store.set(JSON.stringify(key), { key, etag, count, text });
    instance.settle(group, { etag, recent: fromText(count, text) }, pending.length);
  }
}

/** Scores the prompts of each kind of traffic. */
async function score(entry: ScorerEntry, modelsFolder: string): Promise<readonly Traffic[]> {
  const { embed } = await loadLocalEmbedder(modelsFolder);
  const scorer = await load(entry, modelsFolder);
  const rows = (await readFile(PROMPTS, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly source: string; readonly prompt: string });
  const ofSource = (name: string) =>
    rows.filter(({ source }) => source.includes(name)).map(({ prompt }) => prompt);
  const [chat, expert] = [ofSource('everyday'), ofSource('expert')];
  const mixed = [...chat, ...expert];
  const kinds = {
    chat,
    wrapped: mixed.map(
      (text) =>
        `<task>\n${text}\n</task>\n<environment_details>\nCurrent time: 10:04\nOpen tabs: src/main.ts, README.md\n</environment_details>`,
    ),
    'one template': mixed.map(
      (text) =>
        `Classify the following message as a question, a request or a complaint. Answer with one word.\n\nMessage: ${text}`,
    ),
    'one prompt': ['Good morning! How are you today?'],
    'one prompt and others': [
      ...mixed,
      ...Array(mixed.length).fill('Good morning! How are you today?'),
    ],
    expert,
    'chat again': chat,
  };
  const scored: Traffic[] = [];
  for (const [name, prompts] of Object.entries(kinds)) {
    const predictions = await scorer.predict(prompts.map(embed), unknownPairOf(entry));
    scored.push({ name, winRates: predictions.map((one) => one?.winRate ?? 0) });
  }
  return scored;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
