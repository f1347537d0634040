import { open } from 'node:fs/promises';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import {
  createAskRouter,
  KEY_VARIABLE,
  RouterError,
  readRouter,
} from './running-router/ask-router.ts';
import { type Decision, readDecisions } from './running-router/decisions.ts';
import {
  LACKS,
  type Lack,
  type Row,
  toPromptRow,
  toTrainingRow,
} from './running-router/training-rows.ts';

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
to have answered well. Verdicts on strong answers say nothing about the weak model and are left out. The
command says for each outcome without a row why it has none.`;

async function exportRows(commandLine: CommandLine): Promise<void> {
  const out = commandLine.required('out');
  const { url, key } = readRouter(commandLine);
  const decisions = readDecisions(createAskRouter(url, key, '/llm'), {
    limit: commandLine.integer('max-rows', 1_000_000),
    where: readWhere(commandLine),
  });
  const isCompared = commandLine.flag('compared');
  const toRow = commandLine.flag('prompts')
    ? (decision: Decision) => toPromptRow(decision) ?? 'prompt'
    : toTrainingRow;
  const counts = new Counts();
  const file = await openNew(out);
  try {
    for await (const decision of decisions) {
      const row = toRow(decision);
      const isLeftOut = isCompared && typeof row === 'object' && row.winner === undefined;
      counts.add(decision, row, isLeftOut);
      if (typeof row === 'object' && !isLeftOut) await file.write(`${JSON.stringify(row)}\n`);
    }
  } finally {
    await file.close();
  }
  console.log(counts.describe(out));
}

/** Counts what became of the decisions, so that every outcome without a row has its reason. */
class Counts {
  #decisions = 0;
  #withPrompt = 0;
  #rows = 0;
  #compared = 0;
  /** Decisions without a row, and the outcomes that they have. */
  readonly #leftOut = new Map<Lack | 'alone', { decisions: number; outcomes: number }>();
  #outcomes = 0;

  add({ prompt, outcomes }: Decision, row: Row | Lack, isLeftOut: boolean): void {
    this.#decisions += 1;
    this.#withPrompt += Number(prompt !== undefined);
    this.#outcomes += outcomes.length;
    if (typeof row === 'object' && !isLeftOut) {
      this.#rows += 1;
      this.#compared += Number(row.winner !== undefined);
      return;
    }
    const reason = typeof row === 'object' ? 'alone' : row;
    const before = this.#leftOut.get(reason) ?? { decisions: 0, outcomes: 0 };
    this.#leftOut.set(reason, {
      decisions: before.decisions + 1,
      outcomes: before.outcomes + outcomes.length,
    });
  }

  describe(out: string): string {
    const sum = `${this.#rows} rows are in ${out}, ${this.#compared} of them comparisons, of ${this.#decisions} decisions, ${this.#withPrompt} of them with their prompt, and ${this.#outcomes} outcomes.`;
    const reasons = [...this.#leftOut].map(
      ([reason, { decisions, outcomes }]) =>
        `Without a row: ${decisions} decisions with ${outcomes} outcomes, since ${reason === 'alone' ? '--compared leaves out verdicts on one answer alone' : LACKS[reason]}.`,
    );
    const none =
      this.#decisions === 0
        ? [
            'The router has kept no such decision: DECISION_LOG=off keeps none, and --from, --to and --use-case choose among them.',
          ]
        : [];
    return [sum, ...none, ...reasons].join('\n');
  }
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
