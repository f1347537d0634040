import { fileURLToPath } from 'node:url';
import { buildApp } from '../bundle/build-app.ts';
import { type LocalHost, startLocalHost } from '../local-host/local-host.ts';
import { startLocalServices } from '../local-services/local-services.ts';

/** Two instances of the app with the same tables and deployments. */
export type TwoInstances = {
  readonly one: LocalHost;
  readonly other: LocalHost;
  readonly simulatorUrl: string;
};

/** Starts two instances on this machine with these settings, and stops them after `use`. */
export async function withTwoInstances<T>(
  use: (both: TwoInstances) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const [services] = await Promise.all([startLocalServices(settings), buildApp()]);
  const options = {
    appFolder: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      ...process.env,
      ...services.settings,
      UPSTREAM_KEY_SIMULATED: 'key-of-the-simulator',
      LOG_LEVEL: 'error',
    },
  };
  try {
    const [one, other] = await Promise.all([startLocalHost(options), startLocalHost(options)]);
    try {
      return await use({ one, other, simulatorUrl: services.simulatorUrl ?? '' });
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  } finally {
    await services.close();
  }
}

type DeploymentChange = {
  readonly method: 'PUT' | 'PATCH' | 'DELETE';
  readonly definition?: Readonly<Record<string, unknown>>;
};

/** Puts, patches or deletes a deployment. Throws when the router refuses. */
export async function changeDeployment(
  url: string,
  name: string,
  { method, definition }: DeploymentChange,
): Promise<void> {
  const response = await fetch(`${url}/llm/deployments/${name}`, {
    method,
    ...(definition && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(definition),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${name} was answered ${response.status}: ${text}`);
}

/** A simulated deployment in the form that the registry takes. */
export function simulatedDeployment(
  simulatorUrl: string,
  deployment: 'strong' | 'weak',
): Readonly<Record<string, unknown>> {
  return {
    endpoint: simulatorUrl,
    deployment,
    model: 'gpt-5.6-terra',
    auth: { type: 'app_setting', name: 'UPSTREAM_KEY_SIMULATED' },
    price: { input: 2, output: 12 },
    scorer_model: 'Meta-Llama-3-8B-Instruct',
  };
}
