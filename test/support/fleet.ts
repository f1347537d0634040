import { UNKNOWN_MODEL } from '../../shared/capabilities/capabilities.ts';
import { type Member, modelKeyOf } from '../../shared/registry/fleet.ts';
import type { Price } from '../../shared/spending/price.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';

/** A deployment that is never called. */
export function createSilentUpstream(name: string, modelName = `model-of-${name}`): Upstream {
  const unused = () => Promise.reject(new Error('Deciding calls no deployment.'));
  return {
    deployment: {
      name,
      modelName,
      endpoint: 'https://example.com',
      apiStyle: 'azure',
      apiVersion: '1',
      capabilities: UNKNOWN_MODEL,
    },
    send: unused,
    probe: unused,
    state: () => ({ circuit: 'closed', in_flight: 0, queued: 0 }),
  };
}

type Wish = Partial<Omit<Member, 'upstream' | 'price' | 'modelKey'>> & {
  readonly model?: string;
  /** Prices of input and output, in USD per million tokens. */
  readonly price?: readonly [input: number, output: number];
  readonly state?: Upstream['state'];
};

/** A member of the weak tier, scored as the scorer's model of the same name. */
export function createMember(name: string, wish: Wish = {}): Member {
  const { model, price, state, ...member } = wish;
  const upstream = createSilentUpstream(name, model ?? name);
  const known: Price | undefined = price && { input: price[0], output: price[1] };
  return {
    upstream: state ? { ...upstream, state } : upstream,
    tier: 'weak',
    scorerModel: model ?? name,
    modelKey: modelKeyOf(upstream.deployment.modelName, member.scorerModel ?? model ?? name),
    ...(known && { price: known }),
    assumedCost: Number.POSITIVE_INFINITY,
    isEnabled: true,
    weight: 1,
    ...member,
  };
}
