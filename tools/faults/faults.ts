import { Agent } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { StorageManner } from '../local-services/storage-proxy.ts';
import { ask } from './ask.ts';
import { createDeploymentFaults, kindOf } from './deployment-faults.ts';
import type { Block, Fault } from './fault.ts';
import { HOSTILE_BODIES } from './hostile-bodies.ts';
import { purgeTogether } from './purge-together.ts';
import type { Outcome, Question, QuestionMaker } from './question.ts';
import type { Finding } from './read-events.ts';
import type { App } from './start-app.ts';

/** The time in ms for which a killed service stays down. */
const DOWN_MS = 1_500;
/** Long enough for a service to be killed and to come back meanwhile. */
const SPREAD_MS = 5_000;

const PIECES = 20;
const BIG_BYTES = 16 * 16_384;
/** The text of a big answer, as the simulator composes it. */
const BIG_ANSWER = 'word '.repeat(16_384).slice(0, 16_384).repeat(16);

/**
 * Faults that affect later requests: a deployment that answered 429 rests, and embeddings that fail
 * twice in a row are not requested for a while.
 */
const LASTING = new Set(['429', 'embeddings failing', 'embeddings hanging']);

/** Creates all faults, in the order in which they run. */
export function createFaults(maker: QuestionMaker): readonly Fault[] {
  const healthy: Block = (index) => maker.chat({ ...kindOf(index), due: ['chosen'] });
  const strict = [
    { name: 'none', weight: 2, blocks: [healthy] },
    ...createDeploymentFaults(maker),
    ...createEmbeddingFaults(maker),
    ...createClientFaults(maker, healthy),
  ];
  const mixed = strict.filter(({ name }) => !LASTING.has(name)).flatMap(({ blocks }) => blocks);
  const all = strict.flatMap(({ blocks }) => blocks);
  return [
    ...strict,
    ...createTableFaults(maker, healthy),
    { name: 'mixed', weight: 5, blocks: [inTurn(mixed)] },
    ...createCircuitFaults(maker, healthy),
    {
      name: 'mixed, with circuits',
      weight: 5,
      circuits: true,
      blocks: [honest(inTurn(all)), healthy],
    },
  ];
}

/** The ways in which a storage is there and yet of no use; a number is the delay of its answers in ms. */
const STORAGE_MANNERS: readonly (readonly [string, StorageManner])[] = [
  ['silent', 'silent'],
  ['refusing', 'refusing'],
  ['answering nonsense', 'nonsense'],
  ['slow', 500],
];

function createTableFaults(maker: QuestionMaker, healthy: Block): Fault[] {
  // There is no such thread, which only the storage knows.
  const body = JSON.stringify({ prompt: 'Hi', thread_id: `thread_${'0'.repeat(32)}` });
  const inThread: Block = () => maker.raw({ body, headers: {}, due: ['error 404', 'error 503'] });
  return [
    {
      name: 'table service killed',
      blocks: [healthy, healthy],
      spreadMs: SPREAD_MS,
      during: async ({ tables }) => {
        await tables.kill();
        await setTimeout(DOWN_MS);
        await tables.restart();
      },
      after: (app) => checkCache(app, maker),
    },
    {
      name: 'table service hanging',
      blocks: [healthy, healthy],
      during: async ({ tables }) => {
        tables.freeze();
        await setTimeout(DOWN_MS);
        tables.thaw();
      },
    },
    {
      name: 'a purge by three servers at once',
      weight: 0.2,
      blocks: [healthy],
      after: (_, services) => purgeTogether(services),
    },
    ...STORAGE_MANNERS.map(
      ([name, manner]): Fault => ({
        name: `storage ${name}`,
        weight: 0.5,
        // Only every fourth request needs the storage.
        blocks: [inTurn([healthy, inThread, healthy, healthy]), healthy],
        spreadMs: SPREAD_MS,
        during: async ({ tables }) => {
          tables.behave(manner);
          await setTimeout(DOWN_MS);
          tables.behave('usual');
        },
      }),
    ),
  ];
}

/** Checks that the tables are used again: only they can have an embedding that is no longer in memory. */
async function checkCache({ url }: App, maker: QuestionMaker): Promise<Finding[]> {
  const agent = new Agent({ keepAlive: true });
  const next = () => maker.chat({ stream: false, chosen: 'weak', due: ['chosen'] });
  const question = next();
  await ask(agent, url, question);
  // The embedding is written after the answer; then other prompts push it out of memory.
  await setTimeout(1_000);
  for (let count = 0; count < 2 * CACHE_ENTRIES; count += 1) await ask(agent, url, next());
  const { headers } = await ask(agent, url, question);
  agent.destroy();
  if (headers['x-smart-router-embedding-cache'] === 'hit') return [];
  return [{ kind: 'not due', what: 'the restarted table service is not used again' }];
}

/** The number of embeddings that the app under test keeps in memory. */
export const CACHE_ENTRIES = 16;

/**
 * Creates faults of embeddings. A prompt without an embedding goes to the strong deployment, whatever the
 * threshold.
 */
function createEmbeddingFaults(maker: QuestionMaker): Fault[] {
  function unscored(markers: string): Block {
    return (index) => {
      const { stream } = kindOf(index);
      const routing = { threshold: 1 };
      return maker.chat({ stream, chosen: 'strong', routing, markers, due: ['chosen'] });
    };
  }
  const slow = '[sim:slow:150@embeddings]';
  return [
    { name: 'embeddings failing', blocks: [unscored('[sim:500@embeddings]')] },
    { name: 'embeddings hanging', weight: 0.3, blocks: [unscored('[sim:stall:0@embeddings]')] },
    {
      name: 'embeddings slow',
      blocks: [(index) => maker.chat({ ...kindOf(index), markers: slow, due: ['chosen'] })],
    },
  ];
}

function createClientFaults(maker: QuestionMaker, healthy: Block): Fault[] {
  const pieces = Array.from({ length: PIECES }, (_, index) => `piece ${index + 1} `).join('');
  return [
    {
      name: 'clients that leave',
      blocks: [
        (index) =>
          maker.chat({
            ...kindOf(index),
            markers: `[sim:slow:20][sim:chunks:${PIECES}:5]`,
            answer: pieces,
            due: ['left', 'chosen'],
            manner: { kind: 'leaves', afterMs: (7 * index) % 150 },
          }),
        healthy,
      ],
    },
    {
      name: 'slow readers',
      weight: 0.3,
      blocks: [
        (index) =>
          maker.chat({
            ...kindOf(index),
            markers: `[sim:big:${BIG_BYTES}]`,
            answer: BIG_ANSWER,
            due: ['chosen'],
            manner: { kind: 'slow', pauseMs: 20 },
          }),
      ],
    },
    {
      name: 'hostile bodies',
      blocks: [
        (index) => {
          const hostile = HOSTILE_BODIES[Math.floor(index / 2) % HOSTILE_BODIES.length];
          return index % 2 === 0 || hostile === undefined ? healthy(index / 2) : maker.raw(hostile);
        },
      ],
    },
  ];
}

function createCircuitFaults(maker: QuestionMaker, healthy: Block): Fault[] {
  function down(deployment: 'weak' | 'strong'): Block {
    return (index) => {
      const kind = kindOf(index);
      const due = [kind.chosen === deployment ? 'fallback' : 'chosen'] as const;
      return maker.chat({ ...kind, markers: `[sim:500@${deployment}]`, due });
    };
  }
  return [
    {
      name: 'a deployment down, with circuits',
      circuits: true,
      blocks: [down('weak'), healthy, down('strong'), healthy],
    },
    {
      name: 'simulator killed',
      circuits: true,
      losesCalls: true,
      blocks: [honest(healthy), healthy],
      spreadMs: SPREAD_MS,
      during: async ({ simulator }) => {
        await simulator.kill();
        await setTimeout(DOWN_MS);
        await simulator.restart();
      },
    },
  ];
}

/** Combines blocks that take turns, each with its own numbers. */
function inTurn(blocks: readonly Block[]): Block {
  return (index) => {
    const block = blocks[index % blocks.length];
    if (block === undefined) throw new Error('There is no block to take turns.');
    return block(Math.floor(index / blocks.length));
  };
}

/** Outcomes that are acceptable while all deployments are down, or rest after failures. */
const HONEST: readonly Outcome[] = [
  ...(['chosen', 'fallback', 'broken off'] as const),
  ...([400, 401, 403, 404, 408, 410, 413, 429, 500, 502, 503, 504] as const).map(
    (status) => `error ${status}` as const,
  ),
];

/** Asks the same questions, and accepts every honest outcome. */
function honest(block: Block): Block {
  return (index): Question => {
    const question = block(index);
    return { ...question, due: [...question.due, ...HONEST] };
  };
}
