import { load } from '../../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';

/** Elapsed time and processor time of all threads, in ms. */
export type ColdStart = { readonly clock: number; readonly processor: number };

// Runs in a separate process: prints how long a start waits for the scorer, alone or together with the
// word vectors, which the app loads concurrently.
const [, , modelsFolder = 'models', name = 'local', what = 'both'] = process.argv;
const entry = findScorer(await loadRegistry(modelsFolder), name);

const startedAt = performance.now();
const usage = process.cpuUsage();
await Promise.all([
  what === 'both' ? loadLocalEmbedder(modelsFolder) : undefined,
  load(entry, modelsFolder),
]);
const { user, system } = process.cpuUsage(usage);
const found: ColdStart = {
  clock: performance.now() - startedAt,
  processor: (user + system) / 1000,
};
console.log(JSON.stringify(found));
