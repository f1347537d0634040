import { useCallback, useEffect, useState } from 'preact/hooks';

export const PAGES = ['overview', 'decisions', 'try'] as const;
export type Page = (typeof PAGES)[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The ranges that can be shown, their steps and how often they are updated. */
export const RANGES = {
  hour: { ms: HOUR_MS, by: 'five_minutes', stepMs: 5 * MINUTE_MS, refreshMs: 5_000 },
  day: { ms: 24 * HOUR_MS, by: 'hour', stepMs: HOUR_MS, refreshMs: 15_000 },
  week: { ms: 7 * 24 * HOUR_MS, by: 'hour', stepMs: HOUR_MS, refreshMs: 60_000 },
} as const;
export type Range = keyof typeof RANGES;

/** The state in the page's address, so that a view can be shared. */
export type View = {
  readonly page: Page;
  readonly range: Range;
  /** Filters by use case and deployment; '' is the use case of requests that name none. */
  readonly useCase?: string | undefined;
  readonly deployment?: string | undefined;
  /** Request id of the open decision. */
  readonly decision?: string | undefined;
};

export type Go = (change: Partial<View>) => void;

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const range = query.get('range') ?? '';
  return {
    page: PAGES.find((page) => page === query.get('view')) ?? 'overview',
    range: range in RANGES ? (range as Range) : 'day',
    useCase: query.get('use_case') ?? undefined,
    deployment: query.get('deployment') ?? undefined,
    decision: query.get('decision') ?? undefined,
  };
}

export function toSearch({ page, range, useCase, deployment, decision }: View): string {
  const entries = { view: page, range, use_case: useCase, deployment, decision };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(entries)) {
    if (value !== undefined) query.set(name, value);
  }
  return `?${query}`;
}

/** Returns the view of the address, and a function that changes both and adds to the browser's history. */
export function useView(): readonly [View, Go] {
  const [view, setView] = useState(() => parseView(location.search));
  useEffect(() => {
    const follow = () => setView(parseView(location.search));
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  const go = useCallback<Go>((change) => {
    const next = { ...parseView(location.search), ...change };
    history.pushState(null, '', toSearch(next));
    setView(next);
  }, []);
  return [view, go];
}
