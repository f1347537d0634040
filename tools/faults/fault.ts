import type { Question } from './question.ts';
import type { Finding } from './read-events.ts';
import type { App, Services } from './start-app.ts';

/** Returns the question with this number, from 0. */
export type Block = (index: number) => Question;

/** A failure that is provoked under load. */
export type Fault = {
  readonly name: string;
  /** Its share of the requests, relative to the other faults (default: 1). */
  readonly weight?: number;
  /** Blocks run one after the other; before the next one, both deployments must answer again. */
  readonly blocks: readonly Block[];
  /** Whether circuits open after a few failures; otherwise each request meets its own fault. */
  readonly circuits?: true;
  /** The time in ms over which the first block is spread, so that `during` falls into it. */
  readonly spreadMs?: number;
  /** Runs during the first block; all services run again when it resolves. */
  readonly during?: (services: Services) => Promise<void>;
  /** Whether calls can be lost on their way to deployments. */
  readonly losesCalls?: true;
  /** Checks further conditions afterwards. */
  readonly after?: (app: App, services: Services) => Promise<readonly Finding[]>;
};
