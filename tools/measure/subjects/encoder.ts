import type { Tool } from '../../command-line/run-tool.ts';
import { measureEncoder } from '../encoder.ts';

const HELP = `npm run measure -- encoder [--models-folder <folder>] [--rounds <n>]

Measures the sentence encoder in its thread: the time from a text of 16, 64 and 128 word pieces to its
numbers, how late the event loop of the calling thread is meanwhile, texts that wait together, memory
and files.

  --models-folder <folder>  the folder of the registry (default: models)
  --rounds <n>              texts of each length, after as many untimed ones (default: 500)`;

export const subject: Tool = {
  help: HELP,
  options: { 'models-folder': { type: 'string' }, rounds: { type: 'string' } },
  run: (commandLine) =>
    measureEncoder(
      commandLine.text('models-folder') ?? 'models',
      commandLine.integer('rounds', 500, { from: 1, to: 100_000 }),
    ),
};
