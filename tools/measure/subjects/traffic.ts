import { findAsk } from '../../../shared/asks/find-ask.ts';
import { load } from '../../../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../../shared/matrix-factorization/stand-in-choice.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { openEmbedder } from '../../model/embedders.ts';
import { measureAuc } from '../../model/evaluation-auc.ts';
import { formatSpread, quantile } from '../statistics.ts';
import { readTraffic, type TrafficRow, wrapOwnPrompts } from '../traffic-rows.ts';
import { PROSE, user } from '../wrappers.ts';

const HELP = `npm run measure -- traffic [--data <file.jsonl>] [--scorer <id>] [--models-folder <folder>] [--threshold <n>]

Measures how well easy and hard asks are told apart in requests as applications send them, and how many decisions
differ from those on the bare asks. By default the requests are made of a sample of the project's own prompts and of
wrappers: tags of agents, extracts, prefaces, files, mail, transcripts, ...

  --data <file.jsonl>       labelled requests (default: the project's own prompts in its wrappers):
                            {id, kind, label: "strong" | "weak" | "either", plain_id?, body}
  --scorer <id>             a scorer of the registry (default: local)
  --models-folder <folder>  the folder of the registry (default: models)
  --threshold <n>           where decisions are made (default: the median win rate of the bare asks)`;

export const subject: Tool = {
  help: HELP,
  options: {
    data: { type: 'string' },
    scorer: { type: 'string' },
    'models-folder': { type: 'string' },
    threshold: { type: 'string' },
  },
  run: async (commandLine) => {
    const file = commandLine.text('data');
    const folder = commandLine.text('models-folder') ?? 'models';
    const rows = file === undefined ? await wrapOwnPrompts() : await readTraffic(file);
    const entry = findScorer(await loadRegistry(folder), commandLine.text('scorer') ?? 'local');
    const { embedder: id, dimensions } = entry;
    const embedder = await openEmbedder({ embedder: id, dimensions });
    const scorer = await load(entry, folder);
    const scored: Scored[] = [];
    const asks = rows.map(({ id, body }) => ({ id, text: findAsk(body.messages)?.text ?? '' }));
    for await (const embedding of embedder.embedAll(asks)) {
      const row = rows[scored.length];
      if (row === undefined) break;
      const winRate = await scorer.predictWinRate(embedding, unknownPairOf(entry));
      scored.push({ ...row, winRate });
    }
    await embedder.close();
    const bare = scored
      .filter(({ plainId }) => plainId === undefined)
      .map(({ winRate }) => winRate);
    const threshold = Number(commandLine.text('threshold') ?? quantile(bare, 0.5));
    printKinds(scored, threshold);
    printTime();
  },
};

type Scored = TrafficRow & { readonly winRate: number };

function printKinds(rows: readonly Scored[], threshold: number): void {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const isStrong = ({ winRate }: Scored) => winRate >= threshold;
  console.log(`Threshold ${threshold.toFixed(4)}`);
  console.log(`${'kind'.padEnd(44)} requests    AUC  moved  right`);
  for (const [kind, own] of Map.groupBy(rows, (row) => row.kind)) {
    const of = (label: string) => own.filter((row) => row.label === label);
    const auc = measureAuc(
      of('weak').map(({ winRate }) => winRate),
      of('strong').map(({ winRate }) => winRate),
    );
    const bare = own.flatMap((row) => byId.get(row.plainId ?? '') ?? []);
    const moved = own.filter((row) => {
      const plain = byId.get(row.plainId ?? '');
      return plain !== undefined && isStrong(plain) !== isStrong(row);
    });
    const right =
      of('strong').filter(isStrong).length + of('weak').filter((row) => !isStrong(row)).length;
    const cells = [
      kind.padEnd(44),
      String(own.length).padStart(8),
      auc.toFixed(3).padStart(6),
      (bare.length === 0 ? '-' : percent(moved.length / bare.length)).padStart(6),
      percent(right / (of('strong').length + of('weak').length)).padStart(6),
    ];
    console.log(cells.join(' '));
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

const MEGABYTE = 1_000_000;
const RUNS = 21;

function printTime(): void {
  const context = `${PROSE.join('\n\n')}\n\n`;
  const message = `<documents>\n${context.repeat(MEGABYTE / context.length)}</documents>\n\nWhat is 9 times 7?`;
  const times = Array.from({ length: RUNS }, () => {
    const from = performance.now();
    findAsk([user(message)]);
    return performance.now() - from;
  });
  console.log(`Finding the ask in 1 MB of context: ${formatSpread(times, 2)} ms`);
}
