import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureTelemetry } from '../telemetry.ts';

const HELP = `npm run measure -- telemetry [--rounds <n>] [--requests <n>]

Measures on this machine (Linux), over loopback, the cost of logs, traces and metrics for a chat request:
CPU time of the app, and the router's own time, in apps that report nothing, only the log, and everything, in turn.

  --rounds <n>     rounds (default: 9)
  --requests <n>   requests in each round to each app (default: 1000)`;

export const subject: Tool = {
  help: HELP,
  options: { rounds: { type: 'string' }, requests: { type: 'string' } },
  run: async (commandLine) => {
    const rounds = commandLine.integer('rounds', 9);
    const requests = commandLine.integer('requests', 1_000);
    if (rounds < 1 || rounds > 100 || requests < 100 || requests > 100_000) {
      throw new InputError('--rounds must be from 1 to 100, --requests from 100 to 100000.');
    }
    await measureTelemetry({ rounds, requests });
  },
};
