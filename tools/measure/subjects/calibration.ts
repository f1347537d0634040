import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureCalibration } from '../calibration.ts';

const HELP = `npm run measure -- calibration [--scorer <id>] [--models-folder <folder>] [--rounds <n>]

Simulates traffic of several kinds, one after another, on three instances, and prints the strong share
that a router gets which follows its own decisions (ROUTER_CALIBRATION=auto), next to that of the
scorer's own quantiles (shipped).

  --scorer <id>             a scorer for embeddings of the local embedder (default: local)
  --models-folder <folder>  the folder of the registry (default: models)
  --rounds <n>              simulations, each with other random prompts (default: 20)`;

export const subject: Tool = {
  help: HELP,
  options: {
    scorer: { type: 'string' },
    'models-folder': { type: 'string' },
    rounds: { type: 'string' },
  },
  run: async (commandLine) => {
    const folder = commandLine.text('models-folder') ?? 'models';
    const rounds = commandLine.integer('rounds', 20, { from: 1, to: 1_000 });
    const entry = findScorer(await loadRegistry(folder), commandLine.text('scorer') ?? 'local');
    await measureCalibration(entry, folder, rounds);
  },
};
