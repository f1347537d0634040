import { exactRate, ofPrompts, rate, usd } from './base/format.ts';
import { Tier, WinRate } from './decision-table.tsx';
import { reasonPhrase } from './phrases.ts';
import type { Tried } from './tried.ts';

type DryRunProps = {
  readonly tried: readonly Tried[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
};

/** The result of each way to route a prompt, and the reason; one way is chosen. */
export function DryRun({ tried, chosen, onChoose }: DryRunProps) {
  const first = tried[0]?.decision;
  return (
    <section class="card" aria-labelledby="dry-run">
      <h2 id="dry-run">Which model would answer</h2>
      {first?.win_rate !== undefined && (
        <p>
          {first.percentile !== undefined && (
            <>
              Harder than <b>{ofPrompts(first.percentile)}</b>:{' '}
            </>
          )}
          the predicted win rate of the strong model over the weak one is{' '}
          {exactRate(first.win_rate)}.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard. */}
      <section class="scroll" tabIndex={0} aria-label="Ways to route the prompt">
        <table>
          <thead>
            <tr>
              <th scope="col">Routing</th>
              <th scope="col">Model</th>
              <th scope="col">Threshold</th>
              <th scope="col">Win rate</th>
              <th scope="col">Reason</th>
              <th scope="col">Estimated cost</th>
            </tr>
          </thead>
          <tbody>
            {tried.map(({ wish, decision, problem }, index) => (
              <tr key={wish.name} class={index === chosen ? 'chosen' : ''}>
                <th scope="row">
                  <label class="inline">
                    <input
                      type="radio"
                      name="wish"
                      checked={index === chosen}
                      disabled={problem !== undefined}
                      onChange={() => onChoose(index)}
                    />
                    {wish.name}
                  </label>
                </th>
                {decision ? <Decided {...decision} /> : <td colSpan={5}>{problem}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Decided(decision: NonNullable<Tried['decision']>) {
  const { threshold, win_rate: winRate, tier, candidates = [] } = decision;
  const answering = candidates.find(({ passed_over: why }) => why === null);
  return (
    <>
      <td>
        <Tier tier={tier} /> {decision.selected_model}
      </td>
      <td>{rate(threshold)}</td>
      <td>
        <WinRate winRate={winRate} threshold={threshold} />
      </td>
      <td>{whyOf(decision)}</td>
      <td>{usd(answering?.estimated_cost)}</td>
    </>
  );
}

function whyOf({ reason, tier }: NonNullable<Tried['decision']>): string {
  if (reason !== 'win-rate') return reasonPhrase(reason);
  return tier === 'strong' ? 'reaches the threshold' : 'stays below the threshold';
}
