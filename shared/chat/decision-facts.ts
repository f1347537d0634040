import type { RoutingDecision } from '../controller.ts';

/** A decision as `POST /llm/route` answers it and `routing.explain` adds it to an answer. */
export function decisionFacts(decision: RoutingDecision): Record<string, unknown> {
  const { winRate, percentile, threshold, distance } = decision;
  return {
    object: 'routing.decision',
    ...(winRate !== undefined && { win_rate: winRate }),
    ...(percentile !== undefined && { percentile }),
    ...(threshold !== undefined && { threshold }),
    tier: decision.tier,
    selected_model: decision.upstream.deployment.modelName,
    deployment: decision.upstream.deployment.name,
    reason: decision.reason,
    // How far the prompt is from the scorer's training data.
    ...(distance !== undefined && { distance }),
  };
}

/** The same as headers. */
export function decisionHeaders(decision: RoutingDecision): Record<string, string> {
  const { winRate, threshold, scorer } = decision;
  return {
    'x-smart-router-selected-model': decision.upstream.deployment.modelName,
    'x-smart-router-tier': decision.tier,
    'x-smart-router-reason': decision.reason,
    'x-smart-router-embedding-cache': decision.embeddingCache,
    ...(winRate !== undefined && { 'x-smart-router-win-rate': String(winRate) }),
    ...(threshold !== undefined && { 'x-smart-router-threshold': String(threshold) }),
    ...(scorer !== undefined && { 'x-smart-router-scorer': scorer }),
  };
}
