import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { installPackages } from '../../packages/install-packages.ts';

const HELP = `npm run measure -- dashboard [--rounds <n>] [--decisions <n>]

Measures the dashboard in this machine's Chromium, over loopback, with an empty cache each time: the
bytes and requests of the page itself, the time from the navigation until its figures are drawn and
the threshold can be moved, axe-core's violations, and the time to draw the histogram of many
decisions, at first and when the threshold moves.

  --rounds <n>      loads (default: 7)
  --decisions <n>   decisions in the histogram (default: 100000)`;

export const subject: Tool = {
  help: HELP,
  options: { rounds: { type: 'string' }, decisions: { type: 'string' } },
  run: async (commandLine) => {
    const rounds = commandLine.integer('rounds', 7);
    const decisions = commandLine.integer('decisions', 100_000);
    if (rounds < 1 || rounds > 100 || decisions < 1_000 || decisions > 1_000_000) {
      throw new InputError('--rounds must be from 1 to 100, --decisions from 1000 to 1000000.');
    }
    await installPackages();
    const { measureDashboard } = await import('../dashboard.ts');
    await measureDashboard(rounds, decisions);
  },
};
