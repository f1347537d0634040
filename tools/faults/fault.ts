import type { Question } from './question.ts';
import type { Finding } from './read-events.ts';
import type { App, Services } from './start-app.ts';

/** The question with this number, from 0. */
export type Block = (index: number) => Question;

/** Something that goes wrong under load. */
export type Fault = {
  readonly name: string;
  /** How many requests it gets, compared with the others: 1 unless given. */
  readonly weight?: number;
  /** Run one after the other, with a look in between whether both deployments answer again. */
  readonly blocks: readonly Block[];
  /** True: circuits open after a few failures; else each request meets its own fault. */
  readonly circuits?: true;
  /** The first block is spread over so much time, for what happens meanwhile. */
  readonly spreadMs?: number;
  /** What happens during the first block; everything runs again when it resolves. */
  readonly during?: (services: Services) => Promise<void>;
  /** Calls can be lost on their way to deployments. */
  readonly losesCalls?: true;
  /** What more has to hold afterwards. */
  readonly after?: (app: App, services: Services) => Promise<readonly Finding[]>;
};
