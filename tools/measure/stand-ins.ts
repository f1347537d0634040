import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findAsk } from '../../shared/asks/find-ask.ts';
import {
  type HeldOutScores,
  loadHeldOutScores,
} from '../../shared/matrix-factorization/held-out-scores.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import { measureAuc } from '../model/evaluation-auc.ts';
import { loadRoutingRows, type RoutingRow } from '../model/routing-rows.ts';
import { isPromptHeldOut } from '../model/training-set.ts';
import { findLeftOutPairs, type LeftOutPairs } from './left-out-pairs.ts';
import { type AllScores, loadAllScores } from './score-all-models.ts';
import type { Candidate } from './stand-in-pairs.ts';
import { readTraffic, wrapOwnPrompts } from './traffic-rows.ts';

/** Everything that is measured of pairs of the scorer's models. */
export type Measured = LeftOutPairs & {
  readonly rows: readonly RoutingRow[];
  /** Scores of the held-out prompts, by which the router compares models. */
  readonly heldOut: HeldOutScores;
  readonly measure: (strong: string, weak: string) => Candidate;
  /** Returns the difference of the scores of two models for each row. */
  readonly differences: (strong: string, weak: string) => Float64Array;
};

export type Files = {
  /** Files that the scorer was trained with: their held-out rows count. */
  readonly data: readonly string[];
  /** Other files: all of their rows count. */
  readonly test: readonly string[];
  /** Labelled requests; absent: the project's own prompts in its wrappers. */
  readonly traffic: string | undefined;
};

/** A set of asks, with the labels `strong` and `weak`. */
type LabelledSet = {
  readonly name: string;
  readonly label: readonly ('strong' | 'weak' | 'either')[];
  readonly scores: AllScores;
};

const OWN = fileURLToPath(new URL('../model/everyday-and-expert.jsonl', import.meta.url));
const CHAT = new URL('./out-of-distribution-prompts.json', import.meta.url);
const TOLERANCE = { maxBad: 0, report: (line: string) => console.error(line) };

/** Reads and scores everything. Throws an InputError for unusable files, or a scorer without held-out scores. */
export async function measureStandIns(
  entry: ScorerEntry,
  modelsFolder: string,
  files: Files,
): Promise<Measured> {
  const heldOut = await loadHeldOutScores(entry, modelsFolder);
  if (heldOut === undefined) {
    throw new InputError(
      `The scorer ${entry.id} has no held-out scores, which compare its models.`,
    );
  }
  const { rows, fileOf } = await readRows(files);
  const scoreAll = await loadAllScores(entry, modelsFolder);
  const scores = await scoreAll(rows.map(({ prompt }) => prompt));
  const leftOut = findLeftOutPairs(rows, fileOf);
  if (leftOut.pairs.length === 0) {
    throw new InputError('No two models of the files are graded on enough rows, one better.');
  }
  const sets = await labelledSets(scoreAll, { rows, files });
  const at = (model: string) => entry.models.indexOf(model);
  const differences = (strong: string, weak: string) => scores.differences(at(strong), at(weak));
  return {
    ...leftOut,
    rows,
    heldOut,
    differences,
    measure: (strong, weak) => ({
      strong,
      weak,
      apgrs: leftOut.apgrs(differences(strong, weak)),
      aucs: Object.fromEntries(
        sets.map(({ name, label, scores: own }) => {
          const ranks = own.differences(at(strong), at(weak));
          const of = (wanted: string) => [...ranks].filter((_, row) => label[row] === wanted);
          return [name, measureAuc(of('weak'), of('strong'))];
        }),
      ),
    }),
  };
}

async function readRows({ data, test }: Files) {
  const all = [
    ...data.map((path) => [path, false] as const),
    ...test.map((path) => [path, true] as const),
  ];
  const rows: RoutingRow[] = [];
  const fileOf: number[] = [];
  for (const [file, [path, isTest]] of all.entries()) {
    for (const row of await loadRoutingRows([path], TOLERANCE)) {
      if (!isTest && !isPromptHeldOut(row.prompt)) continue;
      rows.push(row);
      fileOf.push(file);
    }
  }
  return { rows, fileOf };
}

type ScoreAll = (prompts: readonly string[]) => Promise<AllScores>;

/**
 * The sets of asks that a pair must tell apart: held-out everyday and expert prompts, chat and tasks, and
 * each kind of traffic.
 */
async function labelledSets(
  scoreAll: ScoreAll,
  { rows, files }: { readonly rows: readonly RoutingRow[]; readonly files: Files },
): Promise<LabelledSet[]> {
  const own = (await loadRoutingRows([OWN], TOLERANCE)).filter((row) =>
    isPromptHeldOut(row.prompt),
  );
  const labels = { 'own-everyday': 'weak', 'own-expert': 'strong' } as const;
  const { ordinary } = JSON.parse(await readFile(CHAT, 'utf8'));
  const chat = Object.values(ordinary as Readonly<Record<string, readonly string[]>>).flat();
  const sets = [
    {
      name: 'everyday/expert',
      prompts: own.map(({ prompt }) => prompt),
      label: own.map(({ source }) => labels[source as keyof typeof labels] ?? 'either'),
    },
    {
      name: 'chat/tasks',
      prompts: [...chat, ...rows.map(({ prompt }) => prompt)],
      label: [...chat.map(() => 'weak' as const), ...rows.map(() => 'strong' as const)],
    },
    ...(await trafficSets(files.traffic)),
  ];
  const scored: LabelledSet[] = [];
  for (const { name, prompts, label } of sets) {
    scored.push({ name, label, scores: await scoreAll(prompts) });
  }
  return scored;
}

async function trafficSets(file: string | undefined) {
  const traffic = file === undefined ? await wrapOwnPrompts() : await readTraffic(file);
  const labelled = traffic.filter(({ label }) => label !== 'either');
  const byKind = [...Map.groupBy(labelled, ({ kind }) => kind)].filter(
    ([, own]) => new Set(own.map(({ label }) => label)).size === 2,
  );
  return [['all', labelled] as const, ...byKind].map(([kind, own]) => ({
    name: `traffic/${kind}`,
    prompts: own.map(({ body }) => findAsk(body.messages)?.text ?? ''),
    label: own.map(({ label }) => label),
  }));
}
