import { shareLoad } from '../policy/share-load.ts';
import type { Member, Model } from '../registry/fleet.ts';
import { canBeAsked } from '../upstream/upstream.ts';

/**
 * The order in which deployments are asked: model by model as ranked, and the deployments of one model by
 * their weights. The first is chosen; each other is asked when those before it could not answer.
 */
export function fallbackOrder(
  ranked: readonly Model[],
  options: {
    /** A number from 0 to 1, below 1. */
    readonly random: () => number;
    /** The deployment that has the conversation, which comes first among those of its model. */
    readonly held?: Member | undefined;
  },
): readonly Member[] {
  return ranked.flatMap(({ members }) => orderMembers(members, options));
}

/** Deployments that would not take a call now come last. */
function orderMembers(
  members: readonly Member[],
  { random, held }: Parameters<typeof fallbackOrder>[1],
): readonly Member[] {
  if (members.length === 1) return members;
  const shared = shareLoad(members, random);
  const inOrder = shared.toSorted((a, b) => Number(b === held) - Number(a === held));
  const { able = [], unable = [] } = Object.groupBy(inOrder, ({ upstream }) =>
    canBeAsked(upstream) ? 'able' : 'unable',
  );
  return [...able, ...unable];
}
