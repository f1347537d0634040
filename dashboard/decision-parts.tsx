import type { ComponentChildren } from 'preact';
import type { WholeDecision } from './api.ts';
import { count, duration, exactRate, NONE, ofPrompts, usd, words } from './base/format.ts';
import { Tier, WinRate } from './decision-table.tsx';
import { passedOverPhrase } from './phrases.ts';

/** The candidates, the strongest first, and the reason why each was passed over. */
export function Candidates({ candidates, threshold }: WholeDecision) {
  if (candidates === undefined) {
    return (
      <p class="muted">The request named its deployment, so there were no other candidates.</p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard.
    <section class="scroll" tabIndex={0} aria-label="Candidates">
      <table>
        <thead>
          <tr>
            <th scope="col">Candidate</th>
            <th scope="col">Strong win rate over it</th>
            <th scope="col">Estimated cost</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {candidates.map((one) => (
            <tr key={one.deployment} class={one.passed_over === null ? 'chosen' : ''}>
              <th scope="row">
                <Tier tier={one.tier} /> {one.deployment} <span class="muted">{one.model}</span>
              </th>
              <td>
                <WinRate winRate={one.win_rate} threshold={threshold} />
              </td>
              <td>{usd(one.estimated_cost)}</td>
              <td class="prose">
                {one.passed_over === null
                  ? 'answered'
                  : (one.lacks ?? passedOverPhrase(one.passed_over))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Shows calls such as `weak;429, strong;200` as a list. */
export function Attempts({
  attempts,
  status,
  error,
}: WholeDecision & { readonly error?: unknown }) {
  const calls = attempts === '' ? [] : attempts.split(', ').map((call) => call.split(';'));
  return (
    <Part title="Attempts">
      <ol>
        {calls.map(([deployment, result], index) => (
          <li key={index}>
            {decodeURIComponent(deployment ?? '')}:{' '}
            <span class={result === '200' ? 'good' : 'bad'}>{words(result ?? '')}</span>
          </li>
        ))}
      </ol>
      <p class="muted">
        Answered with {status}
        {typeof error === 'string' && `: ${words(error)}`}
      </p>
    </Part>
  );
}

export function Spent(decision: WholeDecision) {
  const { prompt_tokens: prompt, completion_tokens: completion, cost } = decision;
  return (
    <Part title="Tokens and cost">
      <List
        rows={[
          ['Prompt tokens', count(prompt)],
          ['Completion tokens', count(completion)],
          ['Cost', usd(cost)],
          ['With the strongest model', usd(decision.cost_strong)],
          ['With the cheapest model', usd(decision.cost_weak)],
        ]}
      />
    </Part>
  );
}

export function Times(decision: WholeDecision) {
  const { overhead_ms: own, upstream_ms: upstream = 0, total_ms: total } = decision;
  const x = (ms: number) => (280 * ms) / Math.max(total, 1);
  return (
    <Part title="Time">
      <svg class="times" viewBox="0 0 280 12" aria-hidden="true">
        <rect class="own" width={x(own)} height="12" />
        <rect class="upstream" x={x(own)} width={x(upstream)} height="12" />
      </svg>
      <List
        rows={[
          ['Own', duration(own)],
          ['of which embedding', duration(decision.embedding_ms)],
          ['of which scoring', duration(decision.scoring_ms)],
          ['Upstream', duration(decision.upstream_ms)],
          ['First token', duration(decision.first_token_ms)],
          ['Whole', duration(total)],
        ]}
      />
    </Part>
  );
}

export function Facts(decision: WholeDecision & { readonly scorer?: unknown }) {
  const { request_id: id, scorer, threshold, threshold_from: from, percentile } = decision;
  return (
    <Part title="Decision">
      <List
        rows={[
          ['Harder than', ofPrompts(percentile)],
          ['Win rate', exactRate(decision.win_rate)],
          ['Threshold', `${exactRate(threshold)}${from === undefined ? '' : ` (${from})`}`],
          ['Embedding cache', decision.embedding_cache],
          ['Scorer', typeof scorer === 'string' ? scorer : NONE],
          ['Caller', decision.caller ?? NONE],
          ['Use case', decision.use_case ?? NONE],
          ['Thread', decision.thread_id ?? NONE],
        ]}
      />
      <p class="muted id">{id}</p>
    </Part>
  );
}

function Part({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** A list of facts; unknown ones are left out. */
export function List({ rows }: { readonly rows: readonly (readonly [string, string])[] }) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== NONE)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
