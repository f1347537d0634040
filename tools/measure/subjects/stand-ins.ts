import { calibrateByHeldOutScores } from '../../../shared/matrix-factorization/held-out-scores.ts';
import {
  type Calibration,
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../../shared/matrix-factorization/stand-in-choice.ts';
import { fitOutcomeCurve } from '../../../shared/policy/outcome-curve.ts';
import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { recordStandIns } from '../../model/calibration-registry.ts';
import { meanOf } from '../left-out-pairs.ts';
import { printDistances, printPairs, printRungs } from '../report-stand-ins.ts';
import { type Candidate, rankCandidates, unknownTo } from '../stand-in-pairs.ts';
import { type Measured, measureStandIns } from '../stand-ins.ts';

const HELP = `npm run measure -- stand-ins [--data <file.jsonl>]... [--test <file.jsonl>]... [--traffic <file.jsonl>]

Measures which two of a scorer's models rank prompts best for two models that it does not know: the APGR over
pairs of graded models that are left out, and the AUC of hard above easy asks, which must not fall.

  --data <file.jsonl>       a file of the scorer's training, of which the held-out rows count (default: none); repeatable
  --test <file.jsonl>       a file of other graded rows, all of which count (default: none); repeatable
  --traffic <file.jsonl>    labelled requests, as for traffic (default: the project's own prompts in its wrappers)
  --scorer <id>             a scorer for embeddings of the local embedder (default: local)
  --models-folder <folder>  the folder of the registry (default: models)
  --register                records the best pair in the registry, with its calibration (default: only prints it)`;

export const subject: Tool = {
  help: HELP,
  options: {
    data: { type: 'string', multiple: true },
    test: { type: 'string', multiple: true },
    traffic: { type: 'string' },
    scorer: { type: 'string' },
    'models-folder': { type: 'string' },
    register: { type: 'boolean' },
  },
  run: async (commandLine) => {
    const folder = commandLine.text('models-folder') ?? 'models';
    const entry = findScorer(await loadRegistry(folder), commandLine.text('scorer') ?? 'local');
    const measured = await measureStandIns(entry, folder, {
      data: commandLine.all('data'),
      test: commandLine.all('test'),
      traffic: commandLine.text('traffic'),
    });
    const { pairs, heldOut, measure } = measured;
    const strengths = new Map(entry.models.map((model) => [model, heldOut.mean(model)]));
    const candidates = entry.models.flatMap((strong) =>
      entry.models
        .filter((weak) => (strengths.get(strong) ?? 0) > (strengths.get(weak) ?? 0))
        .map((weak) => measure(strong, weak)),
    );
    const byDefault = measure(entry.defaultPair.strong, entry.defaultPair.weak);
    const recorded = unknownPairOf(entry);
    const unknown = measure(recorded.strong, recorded.weak);
    const ranked = rankCandidates(candidates, byDefault, (one) => meanOf(unknownTo(one, pairs)));
    printPairs(measured, { ranked, candidates, named: [byDefault, unknown] });
    printDistances(measured, candidates, unknown);
    printRungs(measured, entry);
    const [best] = ranked;
    if (!commandLine.flag('register')) return;
    if (best === undefined) throw new InputError('No pair does as well as the default one.');
    await recordStandIns(folder, entry, record(measured, { best, byDefault }));
    console.log(`\nRecorded ${best.strong} over ${best.weak} for ${entry.id}@${entry.version}.`);
  },
};

function record(
  measured: Measured,
  { best, byDefault }: { readonly best: Candidate; readonly byDefault: Candidate },
): { readonly standIns: NonNullable<ScorerEntry['standIns']>; readonly calibration: Calibration } {
  const { heldOut, pairs } = measured;
  const { strong, weak, aucs } = best;
  const figures = {
    leftOutPairs: unknownTo(best, pairs).length,
    apgr: meanOf(unknownTo(best, pairs)),
    apgrOfDefaultPair: meanOf(unknownTo(byDefault, pairs)),
    ...aucs,
  };
  const { name: _, ...calibration } = calibrateByHeldOutScores(heldOut, { strong, weak });
  return {
    standIns: { strong, weak, figures },
    calibration: {
      ...calibration,
      version: 1,
      outcomes: fitOutcomeCurve(outcomesOf(measured, best)),
    },
  };
}

/** The outcomes of the left-out pairs, since those of two unknown models are like these at best. */
function outcomesOf({ rows, pairs, differences }: Measured, { strong, weak }: Candidate) {
  const others = pairs.filter(
    (pair) => ![pair.strong, pair.weak].some((model) => model === strong || model === weak),
  );
  return [...differences(strong, weak)].flatMap((difference, row) => {
    const scores = rows[row]?.scores;
    const winRate = 1 / (1 + Math.exp(-difference));
    return others.flatMap((pair) => {
      const [ofStrong, ofWeak] = [scores?.get(pair.strong), scores?.get(pair.weak)];
      if (ofStrong === undefined || ofWeak === undefined) return [];
      return [{ winRate, isBetter: ofStrong > ofWeak }];
    });
  });
}
