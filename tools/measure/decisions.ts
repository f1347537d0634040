import { UNKNOWN_MODEL } from '../../shared/capabilities/capabilities.ts';
import { askOfText } from '../../shared/chat/chat-ask.ts';
import { createFindQuantiles } from '../../shared/matrix-factorization/calibrate-models.ts';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import type { Fleet, Member } from '../../shared/registry/fleet.ts';
import { createController } from '../../shared/routing/controller.ts';
import { formatSpread, medianOf, quantile } from './statistics.ts';

const COUNTS = [2, 16, 64];
const ROUNDS = 7;
const DECISIONS = 200;
const TEXT = 'Explain in plain words why a heat pump still warms a house in winter, with figures.';

/** Times decisions of the real scorer on locally embedded prompts, in turn for each number of models. */
export async function measureDecisions(): Promise<void> {
  const entry = findScorer(await loadRegistry('models'), 'local');
  const { embed } = await loadLocalEmbedder('models');
  const heldOutScores = await loadHeldOutScores(entry, 'models');
  const embedding = embed(TEXT);
  const controller = createController({
    scorer: await load(entry, 'models'),
    findQuantiles: createFindQuantiles({ heldOutScores }),
    policy: { strongShare: 0.5, modes: { cost: 0.2, balanced: 0.5, quality: 0.8 } },
    embeddingFailureTier: 'strong',
    getPromptEmbedding: () => ({ embedding, cache: 'hit' }),
    log: () => undefined,
  });
  const { signal } = new AbortController();
  const medians = new Map(COUNTS.map((count) => [count, [] as number[]]));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const count of COUNTS) {
      const fleet = createFleet(entry.models.slice(0, count));
      const times: number[] = [];
      for (let decision = 0; decision < DECISIONS; decision += 1) {
        const from = performance.now();
        await controller.route({
          controls: {},
          fleet,
          signal,
          ask: askOfText(TEXT),
        });
        times.push(performance.now() - from);
      }
      if (round > 0) medians.get(count)?.push(quantile(times, 0.5));
    }
  }
  const few = medianOf(medians.get(2) ?? []);
  const texts = [...medians].map(([count, times]) => {
    const ratio = (medianOf(times) / few).toFixed(2);
    return `${count} models ${formatSpread(times, 3)}, ${ratio} times that of 2`;
  });
  console.log(`A decision with the embedding given, in ms: ${texts.join('; ')}`);
}

function createFleet(models: readonly string[]): Fleet {
  const members = models.map(
    (model, index): Member => ({
      upstream: {
        deployment: {
          name: `d${index}`,
          modelName: model,
          endpoint: 'https://example.com',
          apiStyle: 'azure',
          apiVersion: '1',
          capabilities: UNKNOWN_MODEL,
        },
        send: () => Promise.reject(new Error('Nothing is called here.')),
        probe: () => Promise.reject(new Error('Nothing is called here.')),
        state: () => ({ circuit: 'closed', in_flight: 0, queued: 0 }),
      },
      tier: index === 0 ? 'strong' : 'weak',
      scorerModel: model,
      modelKey: model,
      price: { input: 5 - index * 0.05, output: 20 - index * 0.2 },
      assumedCost: 0,
      isEnabled: true,
      weight: 1,
    }),
  );
  return { members, useCases: new Map() };
}
