import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureStarts } from '../engine-starts.ts';
import { measureStore } from '../vector-store.ts';

const HELP = `npm run measure -- vectors [--vectors <n>] [--dimensions <n>] [--rounds <n>]

Measures on this machine, over loopback, vector stores on SQLite with sqlite-vec: the rate of adding
embeddings, recall@10 against an exact search, p50 and p99 of a search, with and without a filter, the
memory of the app, the size of the file, and the time of the first search after a start; and the
difference in the cold start of a chat request with and without the engine. The embeddings
are made up, in clusters like those of texts.

  --vectors <n>      embeddings in the store (default: 100000)
  --dimensions <n>   dimensions of an embedding (default: 1536)
  --rounds <n>       starts of each kind (default: 9)`;

export const subject: Tool = {
  help: HELP,
  options: {
    vectors: { type: 'string' },
    dimensions: { type: 'string' },
    rounds: { type: 'string' },
  },
  run: async (commandLine) => {
    const vectors = commandLine.integer('vectors', 100_000);
    const dimensions = commandLine.integer('dimensions', 1_536);
    const rounds = commandLine.integer('rounds', 9);
    if (vectors < 1_000 || vectors > 1_000_000 || dimensions < 8 || dimensions > 4_096) {
      throw new InputError('--vectors must be from 1000 to 1000000, --dimensions from 8 to 4096.');
    }
    if (rounds < 1 || rounds > 50) throw new InputError('--rounds must be from 1 to 50.');
    await measureStore(vectors, dimensions);
    await measureStarts(rounds);
  },
};
