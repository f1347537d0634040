import * as z from 'zod';
import type { Readiness } from '../handlers/readiness.ts';
import { scoredAsSchema } from '../registry/describe-scored-as.ts';
import { choice } from './choice.ts';

// Records of all values: a value that is added to a type but not here does not compile.

const states: Record<Readiness['tables']['state'], string> = {
  ok: 'answers',
  unauthorized: "refuses the router's credential",
  'not-found': 'does not exist',
  failing: 'answers with errors',
  unreachable: 'does not answer',
  'not-used': 'is not configured',
};

const registryStates: Record<Readiness['registry']['state'], string> = {
  ok: 'is in force',
  unreachable: 'cannot be read: the last version that was read is in force',
  unread:
    'has not been read since the start: requests that name a use case are refused unless REGISTRY_UNREAD allows them',
  'not-used': 'has no table',
};

const circuits: Record<Readiness['deployments'][number]['circuit'], string> = {
  closed: 'it is called',
  open: 'too many of its newest calls failed, and it is not called',
  'half-open': 'the next call tests whether it works again',
};

const statuses: Record<Readiness['status'], string> = {
  ready: 'everything works',
  degraded: 'every request is answered, but worse or slower than it could be',
  unavailable: 'no deployment can answer',
  draining: 'this instance is about to end and takes no more requests',
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
    age_ms: z
      .number()
      .exactOptional()
      .describe('The time since the registry was last read, in milliseconds.'),
    problems: z
      .array(z.string())
      .readonly()
      .describe(
        'The entries that cannot be read or called, and why. Their last valid versions are in force.',
      ),
  }),
  background: z
    .array(
      z.object({
        name: z.string(),
        success_age_ms: z
          .number()
          .exactOptional()
          .describe('The time since it last succeeded, in milliseconds; absent if it never has.'),
        last_failure: z
          .string()
          .exactOptional()
          .describe('The kind of its newest failure; absent if it never failed.'),
        failures_in_a_row: z.int().describe('The failures since it last succeeded.'),
      }),
    )
    .readonly()
    .describe(
      'The jobs that no request waits for, such as purges and writes to tables. Their failures do not change the status.',
    ),
  deployments: z.array(
    z.object({
      name: z.string(),
      state: stateSchema,
      scored_as: scoredAsSchema.exactOptional(),
      circuit: circuitSchema,
      recent: z
        .object({
          calls: z.int().describe('The newest calls that showed something about the deployment.'),
          failed: z
            .int()
            .describe('Calls of these that failed while another deployment answered the request.'),
          unclear: z
            .int()
            .describe(
              'Failed calls since the last success whose requests no deployment answered: the requests may be at fault.',
            ),
        })
        .exactOptional()
        .describe('What the circuit counts; absent while no call has failed.'),
      resting_ms: z
        .number()
        .exactOptional()
        .describe(
          'The rest of the pause that the deployment asked for with a 429, in milliseconds; absent without one.',
        ),
      in_flight: z.int().describe('Calls under way, until their answers have ended.'),
      queued: z.int().describe('Calls that wait until one under way ends.'),
    }),
  ),
}) satisfies z.ZodType<Readiness>;
