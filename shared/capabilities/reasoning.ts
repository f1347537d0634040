import { type Capabilities, EFFORTS } from './capabilities.ts';

type Asked = { readonly effort: string | undefined; readonly hasTools: boolean };

/** The `reasoning_effort` that a model is to be sent for what was asked; undefined: none at all. */
export function effortFor(
  { efforts, toolsExcludeReasoning }: Capabilities,
  { effort, hasTools }: Asked,
): string | undefined {
  if (hasTools && toolsExcludeReasoning === 'always') return 'none';
  if (effort === undefined || efforts?.length === 0) return undefined;
  // Its own default is nearer to what was asked than not to reason at all.
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

/** The effort, or the known one that comes nearest, more before less; an unheard-of one stays. */
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
