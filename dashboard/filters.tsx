import type { Sums } from './api.ts';
import { exactClock } from './base/format.ts';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';
import { RANGES, type Range } from './view.ts';

type FiltersProps = PageProps & {
  readonly useCases: readonly Sums[] | undefined;
  readonly deployments: readonly Sums[] | undefined;
  readonly at: number | undefined;
};

const NAMES: Record<Range, string> = { hour: 'Hour', day: 'Day', week: 'Week' };

export function Filters({ view, go, useCases, deployments, at, isPaused }: FiltersProps) {
  return (
    <section class="filters" aria-label="Filters">
      <nav class="ranges" aria-label="Time">
        {Object.keys(RANGES).map((name) => (
          <Link
            view={view}
            go={go}
            key={name}
            to={{ range: name as Range }}
            isCurrent={name === view.range}
            label={`The last ${name}`}
          >
            {NAMES[name as Range]}
          </Link>
        ))}
      </nav>
      <Choice
        label="Use case"
        value={view.useCase}
        values={useCases?.map(({ key }) => key ?? '') ?? []}
        onChange={(useCase) => go({ useCase })}
      />
      <Choice
        label="Deployment"
        value={view.deployment}
        values={deployments?.map(({ key }) => key ?? '') ?? []}
        onChange={(deployment) => go({ deployment })}
      />
      {at !== undefined && (
        <p class="muted updated">
          {isPaused ? 'As of' : 'Updated'} {exactClock(at)}
        </p>
      )}
    </section>
  );
}

/** The name shown for requests without a use case. */
export const UNNAMED = '(none)';

type ChoiceProps = {
  readonly label: string;
  readonly value: string | undefined;
  readonly values: readonly string[];
  readonly onChange: (value: string | undefined) => void;
};

/** A list of values. A prefix distinguishes them from "all". */
function Choice({ label, value, values, onChange }: ChoiceProps) {
  const known = [...new Set(value === undefined ? values : [...values, value])];
  return (
    <label>
      <span>{label}</span>
      <select
        value={value === undefined ? '' : `=${value}`}
        onChange={({ currentTarget }) =>
          onChange(currentTarget.value === '' ? undefined : currentTarget.value.slice(1))
        }
      >
        <option value="">All</option>
        {known.map((one) => (
          <option key={one} value={`=${one}`}>
            {one || UNNAMED}
          </option>
        ))}
      </select>
    </label>
  );
}
