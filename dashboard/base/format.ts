/** The text for a missing value. */
export const NONE = '–';

type Value = number | null | undefined;

function formatter(options: Intl.NumberFormatOptions): (value: Value) => string {
  const format = new Intl.NumberFormat('en-US', options);
  return (value) => (value === null || value === undefined ? NONE : format.format(value));
}

const wholeCount = formatter({ maximumFractionDigits: 0 });
const compactCount = formatter({ notation: 'compact', maximumSignificantDigits: 3 });
const dollars = formatter({ style: 'currency', currency: 'USD', maximumFractionDigits: 2 });
const smallDollars = formatter({
  style: 'currency',
  currency: 'USD',
  maximumSignificantDigits: 2,
  minimumSignificantDigits: 1,
});

export const percent = formatter({ style: 'percent', maximumFractionDigits: 1 });

/** Formats a percentile, to follow "harder than". */
export function ofPrompts(percentile: Value): string {
  return percentile === null || percentile === undefined
    ? NONE
    : `${percent(percentile)} of prompts`;
}

export const rate = formatter({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const exactRate = formatter({ minimumFractionDigits: 3, maximumFractionDigits: 4 });
const milliseconds = formatter({ maximumSignificantDigits: 3, useGrouping: false });

export function count(value: Value): string {
  return (value ?? 0) < 100_000 ? wholeCount(value) : compactCount(value);
}

/** Formats US dollars. Answers cost fractions of a cent. */
export function usd(value: Value): string {
  const size = Math.abs(value ?? 0);
  return size > 0 && size < 0.1 ? smallDollars(value) : dollars(value);
}

export function duration(ms: Value): string {
  if (ms === null || ms === undefined) return NONE;
  return ms < 1_000 ? `${milliseconds(ms)} ms` : `${milliseconds(ms / 1_000)} s`;
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

export function exactClock(at: number): string {
  return new Date(at).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

export function day(at: number): string {
  return new Date(at).toLocaleDateString([], { month: 'short', day: 'numeric' });
}

export function dayAndClock(at: number): string {
  return `${day(at)}, ${clock(at)}`;
}

/** Formats `win-rate` as `win rate`. */
export function words(name: string): string {
  return name.replaceAll(/[-_]/g, ' ');
}
