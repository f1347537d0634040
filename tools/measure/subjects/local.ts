import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { LOCAL_EMBEDDER } from '../../../shared/prompt-embedding/local-embedder.ts';
import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureBatch } from '../batch.ts';
import { measureLocalScorer } from '../local-scorer.ts';

const HELP = `npm run measure -- local [--scorer <id>] [--models-folder <folder>] [--rounds <n>]

Measures the time that the local scorer adds to a start and to a request: loading the word vectors and
the scorer in a fresh process, and embedding and scoring a prompt of 2 KB once warm; also the size of
the files, and the time of decisions on 1,000 prompts of 500 characters in one request.

  --scorer <id>             a scorer for embeddings of the local embedder (default: local)
  --models-folder <folder>  the folder of the registry (default: models)
  --rounds <n>              fresh processes, warm passes over the prompts, and requests (default: 7)`;

export const subject: Tool = {
  help: HELP,
  options: {
    scorer: { type: 'string' },
    'models-folder': { type: 'string' },
    rounds: { type: 'string' },
  },
  run: async (commandLine) => {
    const folder = commandLine.text('models-folder') ?? 'models';
    const rounds = commandLine.integer('rounds', 7, { from: 1, to: 100 });
    const entry = findScorer(await loadRegistry(folder), commandLine.text('scorer') ?? 'local');
    if (entry.embedder !== LOCAL_EMBEDDER.id) {
      throw new InputError(
        `The scorer ${entry.id} takes embeddings of ${entry.embedder}, not of ${LOCAL_EMBEDDER.id}.`,
      );
    }
    await measureLocalScorer(entry, folder, rounds);
    await measureBatch({ MODELS_FOLDER: folder, ROUTER_SCORER: entry.id }, rounds);
  },
};
