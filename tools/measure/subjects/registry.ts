import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureBudget } from '../budget.ts';
import { measureChurn } from '../churn.ts';
import { measureDecisions } from '../decisions.ts';
import { measurePropagation } from '../propagation.ts';

const HELP = `npm run measure -- registry [--changes <n>] [--requests <n>]

Measures on this machine, over loopback, how the registry of deployments behaves: how long a change
takes to reach a second instance of the app with the same tables; the time of a decision with 2, 16
and 64 models; by how much two instances that spend a budget
concurrently overspend it; and whether
anything fails while a deployment is added, changed, paused and removed under load. Exits with 1 when a request fails or a change takes more than 10 s.

  --changes <n>   timed changes (default: 50)
  --requests <n>  requests sent while deployments are changed (default: 10000)`;

const LIMIT_MS = 10_000;

export const subject: Tool = {
  help: HELP,
  options: { changes: { type: 'string' }, requests: { type: 'string' } },
  run: async (commandLine) => {
    const changes = commandLine.integer('changes', 50);
    const requests = commandLine.integer('requests', 10_000);
    if (changes < 1 || changes > 1_000 || requests < 100 || requests > 100_000) {
      throw new InputError('--changes must be from 1 to 1000, --requests from 100 to 100000.');
    }
    const slowestMs = await measurePropagation(changes);
    await measureDecisions();
    await measureBudget();
    const failed = await measureChurn(requests);
    if (failed > 0 || slowestMs > LIMIT_MS) process.exitCode = 1;
  },
};
