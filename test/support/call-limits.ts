import { createCallLimits } from '../../shared/storage/call-limits.ts';

/** The limits of calls to the storage by default, for parts that are tested by themselves. */
export const { ofRequests: defaultLimit } = createCallLimits({ timeoutMs: 10_000, maxCalls: 64 });
