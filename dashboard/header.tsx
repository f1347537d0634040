import { useEffect, useRef } from 'preact/hooks';
import type { Readiness } from './api.ts';
import icon from './icon.svg';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';
import { usePolled } from './use-polled.ts';
import { PAGES, type Page } from './view.ts';

type HeaderProps = PageProps & {
  readonly isSignedIn: boolean;
  readonly onPause: (isPaused: boolean) => void;
};

const TITLES: Record<Page, string> = {
  overview: 'Overview',
  decisions: 'Decisions',
  try: 'Try it',
};

const READY_MS = 10_000;

export function Header(props: HeaderProps) {
  const { api, view, go, isSignedIn, isPaused, onPause, onSignIn } = props;
  const heading = useRef(view.page);
  useEffect(() => {
    document.title = `${TITLES[view.page]} · Smart Router`;
    // Focus tells users who cannot see the page change.
    if (heading.current !== view.page) document.querySelector<HTMLElement>('#main')?.focus();
    heading.current = view.page;
  }, [view.page]);
  return (
    <header>
      <p class="brand">
        <img src={icon} width="28" height="28" alt="" />
        Smart Router
      </p>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <Link
            view={view}
            go={go}
            key={page}
            to={{ page, decision: undefined }}
            isCurrent={page === view.page}
          >
            {TITLES[page]}
          </Link>
        ))}
      </nav>
      <Health api={api} isPaused={isPaused} />
      <button type="button" class="quiet" onClick={() => onPause(!isPaused)}>
        {isPaused ? 'Resume' : 'Pause'}
        <span class="hidden"> updates</span>
      </button>
      <button type="button" class="quiet" onClick={onSignIn}>
        {isSignedIn ? 'Signed in' : 'Sign in'}
      </button>
    </header>
  );
}

const STATES = {
  ready: { sign: '●', text: 'Ready', kind: 'good' },
  degraded: { sign: '▲', text: 'Degraded', kind: 'warning' },
  draining: { sign: '▲', text: 'Ending', kind: 'warning' },
  unavailable: { sign: '■', text: 'Unavailable', kind: 'bad' },
  unknown: { sign: '?', text: 'State unknown', kind: 'muted' },
} as const;

/** The router's readiness, which needs no credential. */
function Health({ api, isPaused }: Pick<PageProps, 'api' | 'isPaused'>) {
  const every = isPaused ? Number.POSITIVE_INFINITY : READY_MS;
  const { data, error } = usePolled(`ready ${api.credential === undefined}`, every, (signal) =>
    api.get<Readiness>('/ready', {}, signal),
  );
  if (data === undefined && error === undefined) return <p class="health muted">Asking</p>;
  const { sign, text, kind } = STATES[error ? 'unknown' : (data?.status ?? 'unknown')];
  return (
    <p class={`health ${kind}`} role="status">
      <span aria-hidden="true">{sign}</span> {text}
    </p>
  );
}
