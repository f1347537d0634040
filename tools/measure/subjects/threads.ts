import { InputError } from '../../command-line/input-error.ts';
import type { Tool } from '../../command-line/run-tool.ts';
import { measureAppends, measurePaging } from '../thread-appends.ts';
import { measureThreadChat } from '../thread-chat.ts';
import { measureOutage } from '../thread-outage.ts';

const HELP = `npm run measure -- threads [--appends <n>] [--chats <n>]

Measures on this machine, over loopback and with Azurite, how threads behave: the time of adding a
message with 1 and with 64 clients; the messages lost or doubled when 64 clients add to a few threads on
two instances while the table service is stopped and restarted twice; the time that a thread of 50
messages adds to a chat request; and the app's memory while 10,000 messages are paged. Exits with 1 when a
message is lost or doubled.

  --appends <n>   messages added during the outage (default: 10000)
  --chats <n>     chat requests of each kind (default: 300)`;

export const subject: Tool = {
  help: HELP,
  options: { appends: { type: 'string' }, chats: { type: 'string' } },
  run: async (commandLine) => {
    const appends = commandLine.integer('appends', 10_000);
    const chats = commandLine.integer('chats', 300);
    if (appends < 100 || appends > 100_000 || chats < 10 || chats > 10_000) {
      throw new InputError('--appends must be from 100 to 100000, --chats from 10 to 10000.');
    }
    await measureAppends();
    await measureThreadChat(chats);
    await measurePaging();
    const wrong = await measureOutage(appends);
    if (wrong > 0) process.exitCode = 1;
  },
};
