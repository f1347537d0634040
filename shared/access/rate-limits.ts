import { LRUCache } from 'lru-cache';
import { HttpError } from '../base/errors.ts';
import type { RateLimit } from './read-rate-limits.ts';

/** The owner of a request. Without a caller only the use case counts; requests without a use case share one. */
type Owner = {
  readonly caller?: { readonly name: string } | undefined;
  readonly useCase?: string | undefined;
};

export type RateLimits = {
  /** Counts a request. Throws a 429 that says when to send it again, and then counts nothing. */
  admit(owner: Owner): void;
  /** Counts the tokens of a request, known only from its answer. A caller that took more than was left waits. */
  countTokens(owner: Owner, tokens: number): void;
};

/** The limit of one caller or one use case. */
type Allowance = { readonly limit: RateLimit; readonly id: string };
type Quantity = 'requests' | 'tokens';

const MINUTE_MS = 60_000;

/** The longest wait, so that one answer with the tokens of many minutes shuts no caller out for hours. */
const MAX_DEBT_MS = 5 * MINUTE_MS;

/** The most counts that are kept: more than a minute has callers or use cases. A forgotten one starts anew. */
const MAX_REMEMBERED = 20_000;

/**
 * Limits the requests and tokens per minute of each caller and each use case. They are counted in this
 * process only, so each instance has its own limits. Use cases are counted apart from callers: a caller
 * that invents use cases displaces no count of a caller, not even its own.
 */
export function createRateLimits(
  limits: readonly RateLimit[],
  now: () => number = () => performance.now(),
): RateLimits {
  // An allowance refills steadily, so the time at which it is full again (ms) describes it completely.
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

  /** The time until there is room for `amount`; 0 or less if there is room now. */
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
        // At least one token must be left: the number that the request takes is not known yet.
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

/** Returns the limit of that name, else the limit of all that do not have their own. */
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
  // Sums of fractions may differ by less than this.
  if (ms < 0.001) return;
  const retryAfterMs = Math.ceil(ms);
  const whose = limit.of === 'key' ? 'This caller' : 'This use case';
  throw new HttpError(
    `${whose} has used its ${limit[quantity]} ${quantity} per minute (ROUTER_RATE_LIMITS). Send the request again in ${Math.ceil(ms / 1000)} s.`,
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
