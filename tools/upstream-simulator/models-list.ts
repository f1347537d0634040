import { type SimulatedDeployment, servedModel } from './simulated-deployment.ts';
import type { Target } from './target.ts';

// 2026-07-09, the release date of the default chat models.
const CREATED = 1_783_555_200;

/**
 * Returns the list of models. Azure lists base models; a plain OpenAI endpoint lists the
 * deployments to call.
 */
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
