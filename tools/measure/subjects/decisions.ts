import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureDecisionLog } from '../decision-log.ts';

const HELP = `npm run measure -- decisions [--requests <n>]

Measures on this machine, over loopback and with Azurite, the decision log: how many decisions a second
are kept and whether any is lost; whether every outcome that is reported right after its answer, to
another instance, is joined to its decision; and how many decisions are lost when an instance is killed. Exits with
1 when a decision or an outcome is lost that should not be.

  --requests <n>   chat requests (default: 5000)`;

export const subject: Tool = {
  help: HELP,
  options: { requests: { type: 'string' } },
  run: async (commandLine) => {
    const requests = commandLine.integer('requests', 5_000);
    if (requests < 100 || requests > 100_000) {
      throw new InputError('--requests must be from 100 to 100000.');
    }
    const lost = await measureDecisionLog(requests);
    if (lost > 0) process.exitCode = 1;
  },
};
