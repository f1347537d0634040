import type { TypedData } from './binding-data.ts';
import type { HttpFunction } from './route-table.ts';

/** A message from the host to its worker. */
export type HostMessage =
  | {
      readonly type: 'invoke';
      readonly invocationId: string;
      readonly functionName: string;
      readonly triggerMetadata: Readonly<Record<string, TypedData>>;
      readonly traceParent: string;
      /** Trigger data of a timer, which is sent instead of a request. */
      readonly timer?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'terminate' };

/** A message from a worker to its host. */
export type WorkerMessage =
  | {
      readonly type: 'ready';
      /** The address at which the app's library accepts requests. */
      readonly httpUri: string;
      readonly functions: readonly HttpFunction[];
      readonly timers: readonly TimerFunction[];
    }
  | { readonly type: 'start-failed'; readonly message: string }
  | { readonly type: 'done'; readonly invocationId: string }
  | { readonly type: 'failed'; readonly invocationId: string; readonly message: string };

/** A function that an app has registered to run on a schedule. */
export type TimerFunction = {
  readonly name: string;
  /** NCRONTAB expression of five or six fields, or `%NAME%` of a setting that contains one. */
  readonly schedule: string;
  readonly runOnStartup: boolean;
};
