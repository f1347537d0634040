import type { ApiError } from './api.ts';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';

/** Placeholders for data that is still loading. */
export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      {[0, 1, 2, 3, 4, 5].map((one) => (
        <div key={one} class="card ghost" aria-hidden="true" />
      ))}
    </div>
  );
}

type FailureProps = PageProps & { readonly error: ApiError; readonly onRetry: () => void };

/** The reason why there is nothing to see, and what to do. */
export function Failure(props: FailureProps) {
  const { error, onRetry, onSignIn } = props;
  if (error.status === 401) {
    return (
      <Panel title="Sign in to see what the router does" kind="locked">
        <p>This router requires authentication. An admin's key or token opens this page.</p>
        <button type="button" onClick={onSignIn}>
          Sign in
        </button>
      </Panel>
    );
  }
  if (error.status === 403) return <NoPermission {...props} />;
  if (error.code === 'decisions_not_kept') {
    return (
      <Panel title="Decisions are not kept" kind="empty">
        <p>{error.message}</p>
        <TryLink {...props} />
      </Panel>
    );
  }
  return (
    <Panel title="This could not be read" kind="failed">
      <p>{error.message}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </Panel>
  );
}

function NoPermission(props: FailureProps) {
  return (
    <Panel title="This key may not see decisions" kind="locked">
      <p>
        It may only call the router. Figures and decisions are for admins: they need a key with{' '}
        <code>role=admin</code> in <code>ROUTER_API_KEYS</code>, or a token with the role of{' '}
        <code>ENTRA_ADMIN_ROLE</code>.
      </p>
      <p class="actions">
        <button type="button" onClick={props.onSignIn}>
          Sign in as another user
        </button>
        <TryLink {...props} />
      </p>
    </Panel>
  );
}

export function TryLink({ view, go }: Pick<PageProps, 'view' | 'go'>) {
  return (
    <Link view={view} go={go} to={{ page: 'try' }} class="button">
      Try a prompt
    </Link>
  );
}

type PanelProps = {
  readonly title: string;
  readonly kind: 'empty' | 'failed' | 'locked';
  readonly children: preact.ComponentChildren;
};

const SIGNS = {
  empty: 'M4 20h24M8 20v-5M14 20v-9M20 20v-3M26 20v-7',
  failed: 'M16 5 29 27H3ZM16 13v6M16 22.5v1',
  locked: 'M8 15h16v12H8ZM11 15v-4a5 5 0 0 1 10 0v4',
} as const;

export function Panel({ title, kind, children }: PanelProps) {
  return (
    <section class={`card panel ${kind}`} role={kind === 'failed' ? 'alert' : undefined}>
      <svg width="40" height="40" viewBox="0 0 32 32" aria-hidden="true">
        <path d={SIGNS[kind]} />
      </svg>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** A banner over data that could not be updated. */
export function Outdated({ error, onRetry }: Pick<FailureProps, 'error' | 'onRetry'>) {
  return (
    <p class="banner" role="alert">
      These figures are not up to date: {error.message}{' '}
      <button type="button" class="quiet" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}
