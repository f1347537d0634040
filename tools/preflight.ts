import {
  type ArmClient,
  ArmError,
  AZURE_RESOURCE_MANAGER,
  createArmClient,
} from './azure/arm-client.ts';
import { createArmToken } from './azure/arm-token.ts';
import { findAzdValues } from './azure/azd-environment.ts';
import { type DeploymentSettings, readDeploymentSettings } from './azure/deployment-settings.ts';
import { findModelProblems } from './azure/model-problems.ts';
import { findScorerProblems } from './azure/planned-scorer.ts';
import { findUnregisteredProviders } from './azure/provider-problems.ts';
import { runTool } from './command-line/run-tool.ts';

const HELP = `Checks a deployment before anything is created: names, contradictory settings, values that the scorer
does not accept, and, in Azure, whether the region offers the models and the subscription has quota for
them.

  npm run infra:preflight -- [--offline] [--arm <url>]

  --offline     only checks that need no access to Azure
  --arm <url>   Azure Resource Manager (default: ${AZURE_RESOURCE_MANAGER})
  --help        shows this text

Values are read from the selected azd environment (azd env set <NAME> <value>) and from environment
variables. Uses the account that is signed in with azd or the Azure CLI, and changes nothing. All
problems are reported together, with exit code 2.`;

/**
 * Providers that must be registered beforehand. Resource Manager registers those of a template's
 * resources itself, but the first is asked about models here, before the deployment, and the second has no
 * resource in the template, only a subnet's delegation.
 */
const NEEDED_BEFORE = ['Microsoft.CognitiveServices', 'Microsoft.App'];

const SUBSCRIPTION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

await runTool({
  help: HELP,
  options: { offline: { type: 'boolean' }, arm: { type: 'string' } },
  run: async (commandLine) => {
    const values = { ...process.env, ...(await findAzdValues()) };
    const { settings, problems } = readDeploymentSettings(values);
    const address = commandLine.text('arm') ?? AZURE_RESOURCE_MANAGER;
    const inAzure = commandLine.flag('offline')
      ? []
      : await findAzureProblems(createArmClient({ address, getToken: createArmToken() }), settings);
    const all = [...problems, ...(await findScorerProblems(values)), ...inAzure];
    for (const problem of all) console.error(`Error: ${problem}`);
    if (all.length > 0) {
      console.error('Nothing was created.');
      process.exitCode = 2;
    } else {
      const place = `${settings.environmentName} in ${settings.location}`;
      console.log(
        commandLine.flag('offline')
          ? `Nothing is wrong with ${place}, as far as can be told without Azure: region, models and quota were not looked at.`
          : `${place} can be deployed.`,
      );
    }
  },
});

async function findAzureProblems(
  arm: ArmClient,
  settings: DeploymentSettings,
): Promise<readonly string[]> {
  const { subscriptionId = '', location } = settings;
  if (!SUBSCRIPTION.test(subscriptionId)) {
    return [
      `AZURE_SUBSCRIPTION_ID must be a subscription's id, got "${subscriptionId}". Set it, or look at the rest with --offline.`,
    ];
  }
  // Without a region, Azure cannot be asked about anything.
  if (!/^[a-z0-9]+$/.test(location)) return [];
  try {
    const unregistered = await findUnregisteredProviders(arm, subscriptionId, settings);
    const problems: string[] = [];
    for (const name of unregistered) {
      if (NEEDED_BEFORE.includes(name)) {
        problems.push(
          `The resource provider ${name} is not registered. Register it: az provider register --namespace ${name} --wait`,
        );
      } else {
        console.error(`The deployment will register the resource provider ${name}.`);
      }
    }
    // Only this provider can list the models.
    if (unregistered.includes('Microsoft.CognitiveServices')) return problems;
    const findings = await findModelProblems(arm, subscriptionId, settings);
    for (const note of findings.notes) console.error(note);
    return [...problems, ...findings.problems];
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    return [explain(error, subscriptionId)];
  }
}

function explain({ status, message }: ArmError, subscriptionId: string): string {
  const said = `Azure Resource Manager answered ${status} (${message}).`;
  if (status === 401 || status === 403 || status === 404) {
    return `${said} The signed-in account must be able to read the subscription ${subscriptionId}: check azd auth login, its tenant, and the roles.`;
  }
  return `${said} Check AZURE_LOCATION, try again later, or look at the rest with --offline.`;
}
