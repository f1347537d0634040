import type { TypedData } from './binding-data.ts';
import type { HttpFunction } from './route-table.ts';

/** From the host to its worker. */
export type HostMessage =
  | {
      readonly type: 'invoke';
      readonly invocationId: string;
      readonly functionName: string;
      readonly triggerMetadata: Readonly<Record<string, TypedData>>;
      readonly traceParent: string;
      /** What a timer is told in the place of a request. */
      readonly timer?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'terminate' };

/** From a worker to its host. */
export type WorkerMessage =
  | {
      readonly type: 'ready';
      /** Where the library of the app takes requests. */
      readonly httpUri: string;
      readonly functions: readonly HttpFunction[];
      readonly timers: readonly TimerFunction[];
    }
  | { readonly type: 'start-failed'; readonly message: string }
  | { readonly type: 'done'; readonly invocationId: string }
  | { readonly type: 'failed'; readonly invocationId: string; readonly message: string };

/** What an app has registered to be run by the clock. */
export type TimerFunction = {
  readonly name: string;
  /** NCRONTAB, of five or six fields, or `%NAME%` of a setting that has it. */
  readonly schedule: string;
  readonly runOnStartup: boolean;
};
