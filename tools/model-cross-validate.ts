import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { crossValidate, readFolds } from './model/cross-validation.ts';
import { measureAucs } from './model/evaluation-auc.ts';
import { formatReport } from './model/evaluation-report.ts';
import { readAucSources } from './model/evaluation-wish.ts';
import { readTrainingCommand, TRAINING_HELP, TRAINING_OPTIONS } from './model/training-command.ts';
import { measureRows } from './model/training-figures.ts';

const HELP = `Measures how well a scorer that is trained on some of the data routes the rest of it.

  npm run model:cross-validate -- --data <file.jsonl>... [--folds 5] [--strong <model> --weak <model>]

${TRAINING_HELP}
  --folds <n>               the number of trainings, each without another part (default: 5)
  --auc <source>:<source>   how often a win rate of the second source is above one of the first;
                            their rows may be "assumed"
  --json                    print JSON instead of a table

Nothing is registered. Exit code 2 means that the input was refused.`;

async function run(commandLine: CommandLine): Promise<void> {
  const folds = readFolds(commandLine);
  const aucSources = readAucSources(commandLine.text('auc'));
  const command = await readTrainingCommand(commandLine);
  const { set } = command;
  const { pair, winRates } = crossValidate(set, { ...command, folds });
  const rows = [...set.trainRows, ...set.heldOutRows].sort((a, b) => a - b);
  const lines = measureRows({ set, pair, rows, winRateOf: (row) => winRates[row] ?? Number.NaN });
  const scored = rows.flatMap((row) => set.rows[row] ?? []);
  const byRow = new Map([['scorer', rows.map((row) => winRates[row] ?? Number.NaN)]]);
  const report = {
    pair: { strong: pair.strong, weak: pair.weak },
    folds,
    lines,
    ...(aucSources && { auc: measureAucs(scored, byRow, aucSources) }),
  };
  console.log(commandLine.flag('json') ? JSON.stringify(report, null, 2) : formatReport(report));
}

await runTool({
  help: HELP,
  options: {
    ...TRAINING_OPTIONS,
    folds: { type: 'string' },
    auc: { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
});
