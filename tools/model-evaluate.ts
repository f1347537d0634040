import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../shared/matrix-factorization/registry.ts';
import { load } from '../shared/matrix-factorization/scorer.ts';
import type { ModelPair } from '../shared/matrix-factorization/scorer-choice.ts';
import { localEmbedder } from '../shared/prompt-embedding/local-embedding.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import {
  type EvaluationLine,
  evaluateRouter,
  formatEvaluation,
  randomLine,
  rowsOfPair,
} from './model/evaluation.ts';
import { canonicalModel, loadGradedRows } from './model/graded-rows.ts';

const HELP = `Measures how well scorers route graded prompts between two models.

  npm run model:evaluate -- --data <file.jsonl>... --strong <model> --weak <model> [--scorer <id>]...

  --data <file.jsonl>       rows {id, source, prompt, scores: {model: 0..1}}; may be given again
  --strong, --weak <model>  the pair of the data to route between
  --scorer <id>             a registered scorer, may be given again (default: local). It predicts
                            with the same two models when it knows both, else with its default pair
  --models-folder <folder>  where the registry is (default: models)
  --json                    print JSON instead of a table

APGR is the average performance gap recovered over the strong shares from 0 to 1 (random: 0.5), and
CPT(x) the least strong share that recovers x % of the gap (lower is better). Exit code 2 means
that the input was refused.`;

async function evaluate(commandLine: CommandLine): Promise<void> {
  const pair = {
    strong: canonicalModel(commandLine.required('strong')),
    weak: canonicalModel(commandLine.required('weak')),
  };
  const rows = rowsOfPair(await loadGradedRows(commandLine.all('data')), pair);
  if (rows.length === 0) {
    throw new InputError(`No row of the data knows both "${pair.strong}" and "${pair.weak}".`);
  }
  console.error(`${rows.length} rows know both ${pair.strong} and ${pair.weak}.`);
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const registry = await loadRegistry(modelsFolder);
  const named = commandLine.all('scorer');
  const byLength = await evaluateRouter('prompt length', ({ length }) => length, { rows, pair });
  const lines: EvaluationLine[] = [...byLength.map(randomLine), ...byLength];
  for (const name of named.length === 0 ? ['local'] : named) {
    const rank = await createRanker(findScorer(registry, name), modelsFolder, pair);
    lines.push(...(await evaluateRouter(name, rank, { rows, pair })));
  }
  console.log(
    commandLine.flag('json') ? JSON.stringify({ pair, lines }, null, 2) : formatEvaluation(lines),
  );
}

async function createRanker(
  entry: ScorerEntry,
  modelsFolder: string,
  pair: ModelPair,
): Promise<(prompt: string) => Promise<number>> {
  if (entry.embedder !== localEmbedder.id) {
    throw new InputError(
      `The scorer ${entry.id} needs embeddings by ${entry.embedder}; only scorers of ${localEmbedder.id} can be evaluated here.`,
    );
  }
  const knowsBoth = entry.models.includes(pair.strong) && entry.models.includes(pair.weak);
  const scorerPair = knowsBoth ? pair : entry.defaultPair;
  console.error(`${entry.id} predicts ${scorerPair.strong} over ${scorerPair.weak}.`);
  const scorer = await load(entry, modelsFolder);
  return (prompt) => scorer.predictWinRate(localEmbedder.embed(prompt), scorerPair);
}

await runTool({
  help: HELP,
  options: {
    data: { type: 'string', multiple: true },
    strong: { type: 'string' },
    weak: { type: 'string' },
    scorer: { type: 'string', multiple: true },
    'models-folder': { type: 'string' },
    json: { type: 'boolean' },
  },
  run: evaluate,
});
