import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureOutOfDistribution } from '../out-of-distribution.ts';

const HELP = `npm run measure -- out-of-distribution [--scorer <id>] [--models-folder <folder>]

Measures how well win rates, and signs in the text, tell prompts that a scorer may not be able to judge
(unseen scripts, code, logs, gibberish, ...) from ordinary chat in 20 languages.

  --scorer <id>             a scorer for embeddings of the local embedder (default: local)
  --models-folder <folder>  the folder of the registry (default: models)`;

export const subject: Tool = {
  help: HELP,
  options: { scorer: { type: 'string' }, 'models-folder': { type: 'string' } },
  run: async (commandLine) => {
    const folder = commandLine.text('models-folder') ?? 'models';
    const entry = findScorer(await loadRegistry(folder), commandLine.text('scorer') ?? 'local');
    await measureOutOfDistribution(entry, folder);
  },
};
