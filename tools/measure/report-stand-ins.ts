import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import {
  FAR_APART,
  isFarApart,
  scorePair,
  unknownPairOf,
} from '../../shared/matrix-factorization/stand-in-choice.ts';
import { modelOfRung, RUNGS } from '../../shared/matrix-factorization/stand-ins.ts';
import { meanOf } from './left-out-pairs.ts';
import { type Candidate, crossValidate, unknownTo } from './stand-in-pairs.ts';
import type { Measured } from './stand-ins.ts';
import { quantile } from './statistics.ts';

const SHOWN = 8;
const SHOWN_SETS = ['everyday/expert', 'chat/tasks', 'traffic/all'];

/** Prints the best pairs next to the default one, and how good the choice is on models that it did not see. */
export function printPairs(
  { pairs }: Measured,
  {
    ranked,
    candidates,
    named,
  }: {
    readonly ranked: readonly Candidate[];
    readonly candidates: readonly Candidate[];
    /** The default pair, and the one that is recorded. */
    readonly named: readonly [Candidate, ...Candidate[]];
  },
): void {
  console.log(
    '| pair | left-out pairs | APGR, mean (10% to 90%) | everyday/expert | chat/tasks | traffic | its worst kind |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const one of [...named, ...ranked.slice(0, SHOWN)]) {
    const apgrs = unknownTo(one, pairs);
    const auc = (set: string) => (one.aucs[set] ?? Number.NaN).toFixed(3);
    const kinds = Object.entries(one.aucs).filter(([set]) => set.startsWith('traffic/'));
    const worst = Math.min(...kinds.map(([, value]) => value)).toFixed(3);
    console.log(
      `| ${one.strong} over ${one.weak} | ${apgrs.length} | ${formatMean(apgrs)} | ${auc('everyday/expert')} | ${auc('chat/tasks')} | ${auc('traffic/all')} | ${worst} |`,
    );
  }
  const [byDefault] = named;
  const crossed = crossValidate(candidates, byDefault, pairs);
  console.log(
    `\nChosen without a quarter of the models, on the ${crossed.chosen.length} pairs of each such quarter: ${formatMean(crossed.chosen)}; the default pair there: ${formatMean(crossed.byDefault)}`,
  );
  console.log(`The choices: ${crossed.names.join('; ')}`);
}

function formatMean(values: readonly number[]): string {
  const [low, high] = [quantile(values, 0.1), quantile(values, 0.9)];
  return `${meanOf(values).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

/** Prints how the AUC of everyday and expert prompts depends on how far the two models are apart. */
export function printDistances(
  { heldOut: { mean: strengthOf } }: Measured,
  candidates: readonly Candidate[],
  unknown: Candidate,
): void {
  const distanceOf = ({ strong, weak }: Candidate) => strengthOf(strong) - strengthOf(weak);
  const limits = [0, 0.1, 0.2, 0.4, FAR_APART, 0.8, 1, 1.5];
  console.log(
    '\n| distance, the pair for unknown models as 1 | pairs | everyday/expert, 10% / median | traffic | chat/tasks |',
  );
  console.log('| --- | --- | --- | --- | --- |');
  for (const [index, from] of limits.entries()) {
    const to = limits[index + 1] ?? Number.POSITIVE_INFINITY;
    const inside = candidates.filter((one) => {
      const distance = distanceOf(one) / distanceOf(unknown);
      return distance >= from && distance < to;
    });
    const cell = (set: string) => {
      const aucs = inside.map(({ aucs: all }) => all[set] ?? Number.NaN);
      return `${quantile(aucs, 0.1).toFixed(3)} / ${quantile(aucs, 0.5).toFixed(3)}`;
    };
    console.log(
      `| ${from} to ${to} | ${inside.length} | ${cell('everyday/expert')} | ${cell('traffic/all')} | ${cell('chat/tasks')} |`,
    );
  }
}

/**
 * Prints what stands for each rung, and how the table of families does where the scorer is told nothing
 * else of the left-out pairs.
 */
export function printRungs(measured: Measured, entry: ScorerEntry): void {
  const { pairs, heldOut, measure } = measured;
  const strengthOf = heldOut.mean;
  console.log('\nRungs:');
  for (const rung of RUNGS) {
    const model = modelOfRung(entry, rung) ?? '';
    console.log(`  ${rung.padEnd(9)} ${model} ${model && strengthOf(model).toFixed(3)}`);
  }
  printRungPairs(measured, entry);
  const unknown = unknownPairOf(entry);
  const known = new Map<string, Candidate>();
  const take = (strong: string, weak: string): Candidate => {
    const key = JSON.stringify([strong, weak]);
    const found = known.get(key) ?? measure(strong, weak);
    known.set(key, found);
    return found;
  };
  const lines = pairs.map((pair, index) => {
    const models = entry.models.filter((one) => one !== pair.strong && one !== pair.weak);
    const { strong, weak } = scorePair({ ...entry, models }, pair, strengthOf);
    const table = take(strong.model, weak.model);
    const isUnknown = strong.model === unknown.strong && weak.model === unknown.weak;
    const [byDefault, byUnknown] = [entry.defaultPair, unknown].map(
      (one) => take(one.strong, one.weak).apgrs[index] ?? Number.NaN,
    );
    const aucs = SHOWN_SETS.map((set) => table.aucs[set] ?? Number.NaN);
    return {
      isUnknown,
      aucs,
      byDefault,
      byUnknown,
      byTable: table.apgrs[index] ?? Number.NaN,
      pair,
    };
  });
  for (const [name, some] of [
    ['all left-out pairs', lines],
    ['those that the table tells apart', lines.filter(({ isUnknown }) => !isUnknown)],
    [
      'o1-mini over gpt-4o',
      lines.filter(({ pair }) => /^o1-mini/.test(pair.strong) && /^gpt-4o-2/.test(pair.weak)),
    ],
  ] as const) {
    const mean = (of: (line: (typeof lines)[number]) => number | undefined) =>
      meanOf(some.map((line) => of(line) ?? Number.NaN)).toFixed(3);
    console.log(
      `The table on ${name} (${some.length}): APGR ${mean(({ byTable }) => byTable)}; with the pair for unknown models ${mean(({ byUnknown }) => byUnknown)}, with the default pair ${mean(({ byDefault }) => byDefault)}; AUCs of its pairs ${[0, 1, 2].map((set) => mean(({ aucs }) => aucs[set])).join(', ')}`,
    );
  }
}

/** Prints the pairs of rungs that the router takes as they are. */
function printRungPairs({ measure, heldOut, pairs }: Measured, entry: ScorerEntry): void {
  const models = RUNGS.flatMap((rung) => modelOfRung(entry, rung) ?? []);
  for (const [index, strong] of models.entries()) {
    for (const weak of models.slice(index + 1)) {
      if (!isFarApart(entry, { strong, weak }, heldOut.mean)) continue;
      const one = measure(strong, weak);
      const aucs = SHOWN_SETS.map((set) => (one.aucs[set] ?? Number.NaN).toFixed(3)).join(', ');
      console.log(
        `  ${strong} over ${weak}: APGR ${formatMean(unknownTo(one, pairs))}, AUCs ${aucs}`,
      );
    }
  }
}
