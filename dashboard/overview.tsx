import { Breakdown } from './breakdown.tsx';
import { Deployments } from './deployments.tsx';
import { Filters } from './filters.tsx';
import { Latency } from './latency.tsx';
import { Failures, Money, StrongShare, Traffic } from './over-time.tsx';
import type { PageProps } from './page.ts';
import { Quality } from './quality.tsx';
import { Failure, Loading, Outdated, Panel, TryLink } from './states.tsx';
import { Tiles } from './tiles.tsx';
import { useStats } from './use-stats.ts';
import { WinRates } from './win-rates.tsx';

/** The router's activity in a range: its cost, its savings and its state. */
export function Overview(props: PageProps) {
  const { data, error, isOld, at, refresh } = useStats(props);
  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Filters {...props} useCases={data?.useCases} deployments={data?.deployments} at={at} />
      {error !== undefined && data !== undefined && <Outdated error={error} onRetry={refresh} />}
      {data === undefined && error !== undefined && (
        <Failure {...props} error={error} onRetry={refresh} />
      )}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && (
        <div class={isOld ? 'stale' : ''} aria-busy={isOld}>
          {data.total.requests === 0 ? (
            <Nothing {...props} />
          ) : (
            <>
              <Tiles total={data.total} />
              <div class="charts">
                <Money {...data} />
                <Traffic {...data} />
              </div>
              <WinRates total={data.total} />
              <div class="charts">
                <StrongShare {...data} />
                <Failures {...data} />
              </div>
              <Latency {...data} />
              <Quality total={data.total} />
              <div class="charts">
                <Breakdown {...props} name="useCase" title="By use case" stats={data.useCases} />
                <Breakdown
                  {...props}
                  name="deployment"
                  title="By deployment"
                  stats={data.deployments}
                />
              </div>
            </>
          )}
          <Deployments {...props} />
        </div>
      )}
    </>
  );
}

function Nothing({ api, view, go }: PageProps) {
  const isFiltered = view.useCase !== undefined || view.deployment !== undefined;
  return (
    <Panel
      title={isFiltered ? 'No requests like these in this time' : 'No requests in this time'}
      kind="empty"
    >
      <p>Requests appear here a few seconds after their answers. Send one:</p>
      <pre>
        <code>{`curl ${api.baseUrl}/llm/openai/v1/chat/completions \\
  -H 'content-type: application/json' -d '{"prompt":"Hi"}'`}</code>
      </pre>
      <p class="actions">
        <TryLink view={view} go={go} />
        {isFiltered && (
          <button
            type="button"
            class="quiet"
            onClick={() => go({ useCase: undefined, deployment: undefined })}
          >
            Show all
          </button>
        )}
      </p>
    </Panel>
  );
}
