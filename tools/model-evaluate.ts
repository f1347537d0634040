import { basename } from 'node:path';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { DEFAULT_SETTINGS, evaluate } from './model/evaluation.ts';
import { measureAucs } from './model/evaluation-auc.ts';
import { traceCurves } from './model/evaluation-curves.ts';
import { collectRows } from './model/evaluation-data.ts';
import { type EvaluationReport, formatReport } from './model/evaluation-report.ts';
import { predictWinRates } from './model/evaluation-scorers.ts';
import { type EvaluationWish, readWish } from './model/evaluation-wish.ts';
import { installPackages } from './packages/install-packages.ts';

const HELP = `Measures how well scorers route graded prompts between two models.

  npm run model:evaluate -- --data <file.jsonl>... --strong <model> --weak <model> [--scorer <id>]...

  --data <file.jsonl>       graded prompts, as docs/data-format.md describes; may be given again
  --strong, --weak <model>  the pair of the data to route between
  --scorer <id>             a registered scorer, <id> or <id>@<version>; may be given again
                            (default: local)
  --scorer-strong, --scorer-weak [<scorer>=]<model>  the scorers' models that represent the pair; for
                            one scorer with its name before (default: the pair itself, else the
                            scorer's default pair)
  --strong-cost, --weak-cost <USD>  the cost of 1,000 requests to each model (default: the rows'
                            costs, where all measured rows have them)
  --out <folder>            write report.json and report.html
  --json                    print JSON instead of a table
  --resamples <n>           resamples of the bootstrap, 0 for no intervals (default: ${DEFAULT_SETTINGS.resamples})
  --seed <n>                the seed of the bootstrap (default: ${DEFAULT_SETTINGS.seed})
  --min-rows <n>            leave out the figures of sources with fewer rows (default: ${DEFAULT_SETTINGS.minRows})
  --auc <source>:<source>   how often a win rate of the second source is above one of the first;
                            their rows may be ungraded or "assumed"
  --embeddings [<scorer>=]<file>  embeddings of the prompts, for scorers whose embedder needs calls
  --max-bad-lines <n>       leave out up to n bad lines of the data (default: 0)
  --models-folder <folder>  the folder of the registry (default: models)

APGR is the average performance gap recovered over the strong shares from 0 to 1 (random: 0.5), and
CPT(x) the smallest strong share that recovers x % of the gap (lower is better). Saved is the saving
compared with only the strong model at 95% of its quality, in calls where costs are not known.
Ranges are 95% intervals. The report says how many of the prompts each scorer was trained on. Exit
code 2 means that the input was refused and nothing was written.`;

async function run(commandLine: CommandLine): Promise<void> {
  const wish = await readWish(commandLine);
  const report = await createReport(wish);
  for (const { name, seenPrompts = 0 } of report.scorers) {
    if (seenPrompts === 0) continue;
    console.error(`WARNING: ${name} was trained on ${seenPrompts} of the measured prompts.`);
  }
  if (wish.outFolder !== undefined) {
    await installPackages();
    // The charts take half a second to load, so they are loaded only for a report.
    const { writeReport } = await import('./model/report-files.ts');
    const files = await writeReport(wish.outFolder, report);
    console.error(`Wrote ${files.join(' and ')}.`);
  }
  console.log(commandLine.flag('json') ? JSON.stringify(report, null, 2) : formatReport(report));
}

async function createReport(wish: EvaluationWish): Promise<EvaluationReport> {
  const { data, scorers, settings, aucSources } = wish;
  const rows = await collectRows(data);
  const graded = rows.flatMap(({ graded: prompt, hash }) => (prompt ? [{ ...prompt, hash }] : []));
  console.error(`${graded.length} rows grade ${data.pair.strong} and ${data.pair.weak}.`);
  const winRates = await predictWinRates({ ...wish, total: rows.length });
  const scored = [...winRates].map(([router, all]) => ({
    router,
    winRates: all.filter((_, index) => rows[index]?.graded !== undefined),
  }));
  const hasGraded = graded.length > 0;
  return {
    pair: data.pair,
    data: data.paths.map((path) => basename(path)),
    scorers: scorers.map(({ name, entry: { version, embedder, trainedOn }, pair, seen }) => ({
      name,
      version,
      embedder,
      pair,
      trainedOn,
      ...(seen && { seenPrompts: graded.filter(({ hash }) => seen.has(hash)).length }),
    })),
    settings,
    lines: hasGraded ? evaluate(graded, scored, settings) : [],
    curves: hasGraded ? traceCurves(graded, scored, settings.prices) : [],
    ...(aucSources && { auc: measureAucs(rows, winRates, aucSources) }),
  };
}

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;

await runTool({
  help: HELP,
  options: {
    data: list,
    strong: text,
    weak: text,
    scorer: list,
    'scorer-strong': list,
    'scorer-weak': list,
    'strong-cost': text,
    'weak-cost': text,
    out: text,
    json: { type: 'boolean' },
    resamples: text,
    seed: text,
    'min-rows': text,
    auc: text,
    embeddings: list,
    'max-bad-lines': text,
    'models-folder': text,
  },
  run,
});
