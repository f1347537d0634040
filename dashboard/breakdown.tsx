import type { Sums } from './api.ts';
import { count, percent, usd } from './base/format.ts';
import { UNNAMED } from './filters.tsx';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';

type BreakdownProps = PageProps & {
  readonly name: 'useCase' | 'deployment';
  readonly title: string;
  readonly stats: readonly Sums[];
};

/** The same figures by use case or by deployment; a row leads to a view of it. */
export function Breakdown({ view, go, name, title, stats }: BreakdownProps) {
  const sorted = stats.toSorted((a, b) => b.requests - a.requests);
  return (
    <section class="card">
      <h2 id={`by-${name}`}>{title}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard. */}
      <section class="scroll" tabIndex={0} aria-labelledby={`by-${name}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Requests</th>
              <th scope="col">Strong</th>
              <th scope="col">Cost</th>
              <th scope="col">Saved</th>
              <th scope="col">Strong better, at most</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((sums) => {
              const key = sums.key ?? '';
              const isChosen = view[name] === key;
              return (
                <tr key={key} class={isChosen ? 'chosen' : ''}>
                  <th scope="row">
                    <Link
                      view={view}
                      go={go}
                      to={{ [name]: isChosen ? undefined : key }}
                      label={
                        isChosen ? `${key || UNNAMED}: show all again` : `Only ${key || UNNAMED}`
                      }
                    >
                      {key || UNNAMED}
                    </Link>
                  </th>
                  <td>{count(sums.requests)}</td>
                  <td>{percent(sums.strong_share)}</td>
                  <td>{usd(sums.cost)}</td>
                  <td>{percent(sums.savings_share)}</td>
                  <td>{percent(sums.quality.strong_would_have_won_at_most)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </section>
  );
}
