import { LRUCache } from 'lru-cache';
import { HttpError } from '../base/errors.ts';
import type { RateLimit } from './read-rate-limits.ts';

/** Whose request it is. Without a caller only the use case counts; none counts as one of its own. */
type Owner = {
  readonly caller?: { readonly name: string } | undefined;
  readonly useCase?: string | undefined;
};

export type RateLimits = {
  /** Counts a request. Throws a 429 that says when to come again; nothing is counted then. */
  admit(owner: Owner): void;
  /** Counts what a request took, known only from its answer: who took more than there was waits. */
  countTokens(owner: Owner, tokens: number): void;
};

/** What one caller or one use case has. */
type Allowance = { readonly limit: RateLimit; readonly id: string };
type Quantity = 'requests' | 'tokens';

const MINUTE_MS = 60_000;

/** One answer larger than many minutes' tokens shuts nobody out for hours. */
const MAX_DEBT_MS = 5 * MINUTE_MS;

/** Requests and tokens of more callers, or use cases, than a minute has; a forgotten one starts afresh. */
const MAX_REMEMBERED = 20_000;

/**
 * Requests and tokens a minute, of each caller and each use case, counted in this process alone: so
 * many for each instance. Use cases are kept apart from callers: by inventing use cases a caller
 * crowds out no caller's count, its own included.
 */
export function createRateLimits(
  limits: readonly RateLimit[],
  now: () => number = Date.now,
): RateLimits {
  // An allowance refills steadily: the moment at which it is full again (ms) says all about it.
  const fullAt = {
    key: new LRUCache<string, number>({ max: MAX_REMEMBERED }),
    'use-case': new LRUCache<string, number>({ max: MAX_REMEMBERED }),
  };

  function allowancesOf({ caller, useCase }: Owner): Allowance[] {
    const names = { key: caller?.name, 'use-case': useCase ?? '' };
    return (['key', 'use-case'] as const).flatMap((of) => {
      const name = names[of];
      const limit = name === undefined ? undefined : findLimit(limits, of, name);
      return limit === undefined || name === undefined ? [] : [{ limit, id: name }];
    });
  }

  function fullAtOf({ limit, id }: Allowance, quantity: Quantity): number {
    return Math.max(fullAt[limit.of].get(`${quantity} ${id}`) ?? 0, now());
  }

  function take(allowance: Allowance, quantity: Quantity, amount: number): void {
    const perMinute = allowance.limit[quantity];
    if (perMinute === undefined) return;
    const owed = fullAtOf(allowance, quantity) + (amount / perMinute) * MINUTE_MS;
    const later = Math.min(owed, now() + MAX_DEBT_MS);
    fullAt[allowance.limit.of].set(`${quantity} ${allowance.id}`, later);
  }

  /** Until there is room for `amount`; not above 0 when there is. */
  function waitMs(allowance: Allowance, quantity: Quantity, amount: number): number {
    const perMinute = allowance.limit[quantity];
    if (perMinute === undefined) return 0;
    const needed = fullAtOf(allowance, quantity) + (amount / perMinute) * MINUTE_MS;
    return needed - now() - MINUTE_MS;
  }

  return {
    admit: (owner) => {
      const allowances = allowancesOf(owner);
      for (const allowance of allowances) {
        refuseEarly(allowance, 'requests', waitMs(allowance, 'requests', 1));
        // One token at least must be there: how many it takes is not known yet.
        refuseEarly(allowance, 'tokens', waitMs(allowance, 'tokens', 1));
      }
      for (const allowance of allowances) take(allowance, 'requests', 1);
    },
    countTokens: (owner, tokens) => {
      if (!(tokens > 0)) return;
      for (const allowance of allowancesOf(owner)) take(allowance, 'tokens', tokens);
    },
  };
}

/** The limit of that name, else the one of all that have none of their own. */
function findLimit(
  limits: readonly RateLimit[],
  of: RateLimit['of'],
  name: string,
): RateLimit | undefined {
  const known = limits.filter((limit) => limit.of === of);
  return (
    known.find((limit) => limit.name === name) ?? known.find((limit) => limit.name === undefined)
  );
}

function refuseEarly({ limit }: Allowance, quantity: Quantity, ms: number): void {
  // Less than that is how sums of fractions differ.
  if (ms < 0.001) return;
  const retryAfterMs = Math.ceil(ms);
  const whose = limit.of === 'key' ? 'This caller' : 'This use case';
  throw new HttpError(
    `${whose} has used its ${limit[quantity]} ${quantity} a minute (ROUTER_RATE_LIMITS). Send the request again in ${Math.ceil(ms / 1000)} s.`,
    {
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      headers: {
        'retry-after': String(Math.ceil(ms / 1000)),
        'retry-after-ms': String(retryAfterMs),
      },
    },
  );
}
