import { createHash } from 'node:crypto';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { type RoutingRow, readRoutingRows } from './model/routing-rows.ts';
import {
  type AskRouter,
  createAskRouter,
  KEY_VARIABLE,
  RouterError,
  readRouter,
} from './running-router/ask-router.ts';

const HELP = `Fills a vector store of a running router with recorded outcomes: prompts, and the scores of
models' answers. POST /llm/route with explain then shows the outcomes of similar prompts, and
ROUTER_SCORER=knn routes by them.

  npm run data:index -- --data <file.jsonl> [--data <more.jsonl>]

  --data <file>       rows of docs/data-format.md with scores; rows of preferences are left out
  --models <a,b>      the models whose scores are kept (default: the first 14 of the data)
  --embedder <id>     the embedder of the prompts (default: the local embedder, as for the local scorer)
  --max-rows <n>      at most this many rows (default: all)
  --max-bad-lines <n> how many bad lines may be left out (default: 0)
  --url <url>         the router (default: SMART_ROUTER_URL, else http://127.0.0.1:7071)
  --key-from <NAME>   the environment variable that holds an admin's key (default: ${KEY_VARIABLE})
  --help              shows this text

The prompts are stored unredacted. The previous store stays: delete it when it is no longer needed.`;

/** The most models: an item has sixteen attributes, and two of them hold the origin of the row. */
const MAX_MODELS = 14;
const BATCH = 250;
const LOCAL_EMBEDDER = 'local/2-folded';
const PATH = '/llm/openai/v1/vector_stores';

await runTool({
  help: HELP,
  options: {
    data: { type: 'string', multiple: true },
    models: { type: 'string' },
    embedder: { type: 'string' },
    'max-rows': { type: 'string' },
    'max-bad-lines': { type: 'string' },
    url: { type: 'string' },
    'key-from': { type: 'string' },
  },
  run: async (commandLine) => {
    const { url, key } = readRouter(commandLine);
    try {
      const { id, rows, models } = await fill(commandLine, createAskRouter(url, key, PATH));
      console.log(`${rows} outcomes of ${models.join(', ')} are in the vector store ${id}.`);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      console.error(`Error: ${error.message}`);
      process.exitCode = 1;
    }
  },
});

async function fill(commandLine: CommandLine, ask: AskRouter) {
  const paths = commandLine.all('data');
  if (paths.length === 0)
    throw new InputError('--data is missing: name a file of rows with scores.');
  const maxRows = commandLine.integer('max-rows', Number.MAX_SAFE_INTEGER);
  let models = commandLine
    .text('models')
    ?.split(',')
    .map((name) => name.trim());
  const tolerance = { maxBad: commandLine.integer('max-bad-lines', 0), report: console.error };
  let id: string | undefined;
  let [batch, rows] = [[] as object[], 0];
  const flush = async () => {
    if (batch.length === 0) return;
    id ??= await createStore(commandLine, ask);
    await ask('POST', `/${id}/embeddings`, { items: batch });
    batch = [];
  };
  for await (const row of readRoutingRows(paths, tolerance)) {
    if (row.scores === undefined) continue;
    models ??= [...row.scores.keys()].slice(0, MAX_MODELS);
    const item = toItem(row, models);
    if (item === undefined) continue;
    batch.push(item);
    rows += 1;
    if (batch.length === BATCH) await flush();
    if (rows >= maxRows) break;
  }
  await flush();
  if (id === undefined) throw new InputError('The data has no row with scores of these models.');
  return { id, rows, models: models ?? [] };
}

async function createStore(commandLine: CommandLine, ask: AskRouter): Promise<string> {
  const { id } = await ask<{ readonly id: string }>('POST', '', {
    name: 'Recorded outcomes',
    metadata: { smart_router: 'outcomes' },
    embedder: commandLine.text('embedder') ?? LOCAL_EMBEDDER,
  });
  return id;
}

/** Returns undefined for a row without scores of two of the models. A repeated prompt replaces the earlier item. */
function toItem({ prompt, source, category, scores }: RoutingRow, models: readonly string[]) {
  const known = models.flatMap((model) => {
    const score = scores?.get(model);
    return score === undefined ? [] : [[model, score] as const];
  });
  if (known.length < 2 || prompt.trim() === '') return undefined;
  return {
    id: createHash('sha256').update(prompt).digest('hex').slice(0, 32),
    text: prompt,
    attributes: {
      ...Object.fromEntries(known),
      source,
      ...(category !== undefined && { category }),
    },
  };
}
