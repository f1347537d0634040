import type { DeploymentList, Readiness } from './api.ts';
import { NONE, words } from './base/format.ts';
import type { PageProps } from './page.ts';
import { Failure } from './states.tsx';
import { usePolled } from './use-polled.ts';

const EVERY_MS = 10_000;

/** The deployments of the registry, and their current states. */
export function Deployments(props: PageProps) {
  const { api, isPaused } = props;
  const every = isPaused ? Number.POSITIVE_INFINITY : EVERY_MS;
  const { data, error, refresh } = usePolled(`${api.credential}`, every, async (signal) => {
    const [list, ready] = await Promise.all([
      api.get<DeploymentList>('/llm/deployments', {}, signal),
      api.get<Readiness>('/ready', {}, signal),
    ]);
    return { list, ready };
  });
  if (data === undefined) {
    return error === undefined ? null : <Failure {...props} error={error} onRetry={refresh} />;
  }
  const states = new Map(data.ready.deployments.map((one) => [one.name, one]));
  return (
    <section class="card">
      <h2 id="deployments">Deployments now</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard. */}
      <section class="scroll" tabIndex={0} aria-labelledby="deployments">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Model</th>
              <th scope="col">Scored as</th>
              <th scope="col">USD per million in, out</th>
              <th scope="col">In flight</th>
              <th scope="col">Weight</th>
            </tr>
          </thead>
          <tbody>
            {data.list.data.map((one) => (
              <Row key={one.name} deployment={one} state={states.get(one.name)} />
            ))}
          </tbody>
        </table>
      </section>
      <Parts {...data.ready} />
    </section>
  );
}

type RowProps = {
  readonly deployment: DeploymentList['data'][number];
  readonly state: Readiness['deployments'][number] | undefined;
};

function Row({ deployment, state }: RowProps) {
  const { name, model, price, enabled, weight, scored_as: scoredAs } = deployment;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <State enabled={enabled} state={state} />
      </td>
      <td>{model ?? name}</td>
      <td>
        {scoredAs?.model ?? NONE}
        {scoredAs?.stand_in && <StandIn why={scoredAs.why} />}
      </td>
      <td>{price ? `${price.input} / ${price.output}` : NONE}</td>
      <td>
        {state ? `${state.in_flight}${state.queued > 0 ? `, ${state.queued} wait` : ''}` : NONE}
      </td>
      <td>{weight}</td>
    </tr>
  );
}

/** Says loudly that another model stands for the deployment's, and why. */
function StandIn({ why }: { readonly why: string }) {
  return (
    <span class="warning" title={why}>
      {' ▲ stand-in'}
      <span class="hidden">: {why}</span>
    </span>
  );
}

function State({
  enabled,
  state,
}: { readonly enabled: boolean | undefined } & Pick<RowProps, 'state'>) {
  if (enabled === false) return <span class="muted">‖ paused</span>;
  if (state === undefined) return <span class="muted">? unknown</span>;
  if (state.circuit === 'open') return <span class="bad">■ circuit open</span>;
  if (state.state !== 'ok') return <span class="bad">■ {words(state.state)}</span>;
  if (state.resting_ms !== undefined) return <span class="warning">▲ paused on request</span>;
  if (state.circuit === 'half-open') return <span class="warning">▲ being retried</span>;
  return <span class="good">● ok</span>;
}

function Parts({ scorer, embeddings, registry, tables }: Readiness) {
  const parts = [
    `Scorer ${scorer.name}: ${scorer.state}`,
    `embeddings by ${embeddings.embedder}: ${embeddings.state}`,
    ...(tables.state === 'not-used' ? [] : [`tables: ${words(tables.state)}`]),
    `registry: ${words(registry.state)}`,
    ...registry.problems.map(String),
  ];
  return <p class="muted">{parts.join(' · ')}</p>;
}
