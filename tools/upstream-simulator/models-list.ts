import { type SimulatedDeployment, servedModel } from './simulated-deployment.ts';
import type { Target } from './target.ts';

// 2026-07-09, the release of the default chat models.
const CREATED = 1_783_555_200;

/** The list of models: Azure names the base models, a plain OpenAI endpoint what can be called. */
export function modelsBody(
  deployments: readonly SimulatedDeployment[],
  style: Target['style'],
): object {
  const ids = deployments.map((deployment) =>
    style === 'openai' ? deployment.name : servedModel(deployment),
  );
  return {
    object: 'list',
    data: [...new Set(ids)].map((id) => ({
      id,
      object: 'model',
      created: CREATED,
      owned_by: 'system',
    })),
  };
}
