import * as z from 'zod';
import type { Readiness } from '../handlers/readiness.ts';
import { choice } from './choice.ts';

// Records of all values: a value that is added to a type but not here does not compile.

const states: Record<Readiness['tables']['state'], string> = {
  ok: 'answers',
  unauthorized: "refuses the router's credential",
  'not-found': 'is not there',
  failing: 'answers with errors',
  unreachable: 'does not answer',
  'not-used': 'is not configured',
};

const registryStates: Record<Readiness['registry']['state'], string> = {
  ok: 'is in force as it is kept',
  unreachable: 'what was last read of it holds',
  'not-used': 'has no table to be kept in',
};

const circuits: Record<Readiness['deployments'][number]['circuit'], string> = {
  closed: 'it is called',
  open: 'it failed several times in a row and is left alone',
  'half-open': 'the next call tries whether it has come back',
};

const statuses: Record<Readiness['status'], string> = {
  ready: 'all is well',
  degraded: 'every request is answered, worse or slower than it could be',
  unavailable: 'no deployment can answer',
};

const stateSchema = choice(states);
const circuitSchema = choice(circuits);

export const readinessSchema = z.object({
  status: choice(statuses),
  scorer: z.object({ state: stateSchema, name: z.string().describe('`id@version`.') }),
  embeddings: z.object({
    state: stateSchema,
    embedder: z.string(),
    circuit: circuitSchema.exactOptional(),
  }),
  tables: z.object({ state: stateSchema }),
  registry: z.object({
    state: choice(registryStates),
    age_ms: z.number().exactOptional().describe('Since it was last read.'),
    problems: z
      .array(z.string())
      .readonly()
      .describe(
        'Entries that cannot be read, or called as they are defined, and why: what they last were holds.',
      ),
  }),
  deployments: z.array(
    z.object({
      name: z.string(),
      state: stateSchema,
      circuit: circuitSchema,
      resting_ms: z
        .number()
        .exactOptional()
        .describe('What is left of the pause that it asked for with a 429; absent without one.'),
      in_flight: z.int().describe('Calls under way, until their answers have ended.'),
      queued: z.int().describe('Calls that wait for one of those to end.'),
    }),
  ),
}) satisfies z.ZodType<Readiness>;
