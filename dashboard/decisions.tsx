import { useEffect, useState } from 'preact/hooks';
import type { Decision, DecisionList } from './api.ts';
import { DecisionDialog } from './decision-dialog.tsx';
import { DecisionTable } from './decision-table.tsx';
import { Filters } from './filters.tsx';
import type { PageProps } from './page.ts';
import { Failure, Loading, Outdated, Panel, TryLink } from './states.tsx';
import { usePolled } from './use-polled.ts';
import { useStats } from './use-stats.ts';
import { RANGES } from './view.ts';

const PAGE_SIZE = 25;

/** The latest decisions, newest first; each can be opened. */
export function Decisions(props: PageProps) {
  const { view, go } = props;
  // The filters' names are loaded once per view, without updates.
  const stats = useStats({ ...props, isPaused: true });
  const { first, older, hasMore, loadOlder } = useDecisions(props);
  const { data, error, isOld, at, refresh } = first;
  const decisions = [...(data?.data ?? []), ...older].filter(
    (one) => view.useCase !== '' || one.use_case === undefined,
  );
  return (
    <>
      <h1 class="hidden">Decisions</h1>
      <Filters
        {...props}
        useCases={stats.data?.useCases}
        deployments={stats.data?.deployments}
        at={at}
      />
      {error !== undefined && data !== undefined && <Outdated error={error} onRetry={refresh} />}
      {data === undefined && error !== undefined && (
        <Failure {...props} error={error} onRetry={refresh} />
      )}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && decisions.length === 0 && (
        <Panel title="No decisions in this time" kind="empty">
          <p>Decisions appear here a few seconds after the answers.</p>
          <TryLink view={view} go={go} />
        </Panel>
      )}
      {decisions.length > 0 && (
        <section class={`card ${isOld ? 'stale' : ''}`} aria-busy={isOld}>
          <DecisionTable view={view} go={go} decisions={decisions} />
          {hasMore && (
            <p class="actions">
              <button type="button" class="quiet" onClick={loadOlder}>
                Older
              </button>
            </p>
          )}
        </section>
      )}
      {view.decision !== undefined && data !== undefined && (
        <DecisionDialog {...props} id={view.decision} onClose={() => go({ decision: undefined })} />
      )}
    </>
  );
}

/** Loads the newest decisions again and again, and appends older ones on request. */
function useDecisions({ api, view, isPaused }: PageProps) {
  const { range, useCase, deployment } = view;
  const { ms, refreshMs } = RANGES[range];
  const key = JSON.stringify([range, useCase, deployment, api.credential]);
  const [pages, setPages] = useState<readonly DecisionList[]>([]);
  useEffect(() => setPages([]), [key]);
  const ask = (after: string | undefined, signal?: AbortSignal) =>
    api.get<DecisionList>(
      '/llm/decisions',
      {
        from: new Date(Date.now() - ms).toISOString(),
        limit: String(PAGE_SIZE),
        use_case: useCase || undefined,
        deployment,
        after,
      },
      signal,
    );
  const isFrozen = isPaused || pages.length > 0;
  // When older decisions follow, newer ones at the top would leave a gap between both parts.
  const every = isFrozen ? Number.POSITIVE_INFINITY : refreshMs;
  const first = usePolled(key, every, (signal) => ask(undefined, signal));
  const last = pages.at(-1) ?? first.data;
  return {
    first,
    older: pages.flatMap(({ data }): readonly Decision[] => data),
    hasMore: last?.has_more ?? false,
    loadOlder: () => {
      const after = last?.data.at(-1)?.request_id;
      void ask(after).then(
        (page) => setPages((old) => [...old, page]),
        () => first.refresh(),
      );
    },
  };
}
