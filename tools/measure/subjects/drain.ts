import type { Tool } from '../../command-line/run-tool.ts';
import { measureDrain } from '../drain.ts';

const HELP = `npm run measure -- drain [--restarts <n>] [--clients <n>]

Restarts two servers in turn while clients with kept connections send chat requests to one that is ready, as
a load balancer would: it asks both for /ready twice a second. Counts the requests, the answers of
503 and the connections that broke. Exits with 1 when there is one of the two.

  --restarts <n>   restarts of the two servers together (default: 20, which takes about three minutes)
  --clients <n>    clients with one kept connection to each server (default: 100)`;

export const subject: Tool = {
  help: HELP,
  options: { restarts: { type: 'string' }, clients: { type: 'string' } },
  run: async (commandLine) => {
    const restarts = commandLine.integer('restarts', 20, { from: 1, to: 1_000 });
    const clients = commandLine.integer('clients', 100, { from: 1, to: 1_000 });
    const isClean = await measureDrain({ restarts, clients });
    if (!isClean) process.exitCode = 1;
  },
};
