import { open } from 'node:fs/promises';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import {
  createAskRouter,
  KEY_VARIABLE,
  RouterError,
  readRouter,
} from './running-router/ask-router.ts';
import { readDecisions } from './running-router/decisions.ts';
import { toPromptRow, toTrainingRow } from './running-router/training-rows.ts';

const HELP = `Writes a running router's decisions, and verdicts on its answers, as rows in the format of
docs/data-format.md, which model:train and model:evaluate read.

  npm run data:export -- --out <file.jsonl>

  --out <file>        the new file; it must not exist yet
  --prompts           writes all prompts instead, without outcomes: a sample for model:calibrate
  --compared          only decisions whose answer was compared with the strong model's
  --from <time>       decisions since this time (default: all that the router keeps)
  --to <time>         decisions before this time
  --use-case <name>   only decisions of this use case
  --max-rows <n>      at most this many of the newest decisions (default: 1000000)
  --url <url>         the router (default: SMART_ROUTER_URL, else http://127.0.0.1:7071)
  --key-from <NAME>   the environment variable that holds an admin's key (default: ${KEY_VARIABLE})
  --help              shows this text

The router keeps prompts, redacted, only with LOG_CONTENT=true. An answer of the weak model that was
compared with the strong model's becomes a preference between both, of the source "comparisons". A verdict
on a weak answer without comparison becomes a score, of the source "outcomes"; the strong model is assumed
to have answered well. Verdicts on strong answers say nothing about the weak model and are left out.`;

await runTool({
  help: HELP,
  options: {
    out: { type: 'string' },
    prompts: { type: 'boolean' },
    compared: { type: 'boolean' },
    from: { type: 'string' },
    to: { type: 'string' },
    'use-case': { type: 'string' },
    'max-rows': { type: 'string' },
    url: { type: 'string' },
    'key-from': { type: 'string' },
  },
  run: async (commandLine) => {
    try {
      await exportRows(commandLine);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      console.error(`Error: ${error.message}`);
      process.exitCode = 1;
    }
  },
});

async function exportRows(commandLine: CommandLine): Promise<void> {
  const out = commandLine.required('out');
  const { url, key } = readRouter(commandLine);
  const decisions = readDecisions(createAskRouter(url, key, '/llm'), {
    limit: commandLine.integer('max-rows', 1_000_000),
    where: readWhere(commandLine),
  });
  const isCompared = commandLine.flag('compared');
  const toRow = commandLine.flag('prompts') ? toPromptRow : toTrainingRow;
  const counts = { decisions: 0, withPrompt: 0, rows: 0, compared: 0 };
  const file = await openNew(out);
  try {
    for await (const decision of decisions) {
      counts.decisions += 1;
      counts.withPrompt += Number(decision.prompt !== undefined);
      const row = toRow(decision);
      const wasCompared = row?.winner !== undefined;
      if (row === undefined || (isCompared && !wasCompared)) continue;
      counts.rows += 1;
      counts.compared += Number(wasCompared);
      await file.write(`${JSON.stringify(row)}\n`);
    }
  } finally {
    await file.close();
  }
  console.log(
    `${counts.rows} rows are in ${out}, ${counts.compared} of them comparisons, of ${counts.decisions} decisions, ${counts.withPrompt} of them with their prompt.`,
  );
}

function readWhere(commandLine: CommandLine): Record<string, string> {
  const names = [
    ['from', 'from'],
    ['to', 'to'],
    ['use-case', 'use_case'],
  ] as const;
  return Object.fromEntries(
    names.flatMap(([option, field]) => {
      const value = commandLine.text(option);
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** Creates the file readable only by its owner, since it contains users' prompts. */
async function openNew(path: string) {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    throw new InputError(`The file of --out cannot be created: ${String(error)}`);
  }
}
