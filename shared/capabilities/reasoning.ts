import { type Capabilities, EFFORTS } from './capabilities.ts';

type Asked = { readonly effort: string | undefined; readonly hasTools: boolean };

/**
 * Returns the `reasoning_effort` to send to a model for the requested one; undefined to leave it
 * out.
 */
export function effortFor(
  { efforts, toolsExcludeReasoning }: Capabilities,
  { effort, hasTools }: Asked,
): string | undefined {
  if (hasTools && toolsExcludeReasoning === 'always') return 'none';
  if (effort === undefined || efforts?.length === 0) return undefined;
  // The model's default is nearer to the request than no reasoning.
  if (hasTools && toolsExcludeReasoning === 'when-given' && effort !== 'none') return undefined;
  return efforts === undefined ? effort : nearestEffort(effort, efforts);
}

/** Whether sampling parameters other than the default are refused at this effort. */
export function refusesSampling(
  { sampling, reasonsByDefault }: Capabilities,
  effort: string | undefined,
): boolean {
  if (sampling !== 'without-reasoning') return sampling === 'never';
  return effort === undefined ? reasonsByDefault : effort !== 'none';
}

/** Returns the effort, or the nearest known one, more before less; an unknown effort stays. */
function nearestEffort(effort: string, known: readonly string[]): string {
  const order: readonly string[] = EFFORTS;
  const asked = order.indexOf(effort);
  if (asked === -1 || known.includes(effort)) return effort;
  const distance = (one: string): number => Math.abs(order.indexOf(one) - asked);
  const [nearest = effort] = order
    .filter((one) => known.includes(one))
    .toReversed()
    .sort((one, other) => distance(one) - distance(other));
  return nearest;
}
