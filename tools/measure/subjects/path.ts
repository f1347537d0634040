import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Tool } from '../../command-line/run-tool.ts';
import { startLocalServices } from '../../local-services/local-services.ts';

const HELP = `npm run measure -- path [--list <yes|no>]

Counts the files of the app whose functions run for a plain chat, a stream and a turn of a thread, once
each is warm, with tables and the local embedder.

  --list <yes|no>   whether the files are listed (default: no)`;

const CHAT = '/llm/openai/v1/chat/completions';
const WARM_UP = 10;
/** The time in which work in the background, such as a write to a table, ends. */
const SETTLE_MS = 3_000;

export const subject: Tool = {
  help: HELP,
  options: { list: { type: 'string' } },
  run: async (commandLine) => {
    const services = await startLocalServices({});
    const port = await findFreePort();
    const server = fork(fileURLToPath(new URL('../traced-server.ts', import.meta.url)), [], {
      env: {
        ...process.env,
        ...services.settings,
        ROUTER_AUTH: 'none',
        PORT: String(port),
        LOG_LEVEL: 'none',
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      await once(server, 'message');
      const post = (path: string, body: object) => send(`http://127.0.0.1:${port}${path}`, body);
      const { id } = JSON.parse(await post('/llm/threads', {})) as { readonly id: string };
      const flows = {
        'a plain chat': { prompt: 'Hi' },
        'a stream': { prompt: 'Hi', stream: true },
        'a turn of a thread': { prompt: 'Hi', thread_id: id },
        'a streamed turn of a thread': { prompt: 'Hi', thread_id: id, stream: true },
      };
      async function takeFiles(): Promise<readonly string[]> {
        server.send('take');
        const [files] = (await once(server, 'message')) as [readonly string[]];
        return files.map((url) => url.replace(/^.*\/(?=(shared|functions)\/)/, ''));
      }
      for (const [name, body] of Object.entries(flows)) {
        for (let count = 0; count < WARM_UP; count += 1) await post(CHAT, body);
        await setTimeout(SETTLE_MS);
        await takeFiles();
        await post(CHAT, body);
        const files = await takeFiles();
        const rooms = new Set(files.map((file) => file.replace(/\/[^/]*$/, '')));
        console.log(`${name}: ${files.length} files in ${rooms.size} rooms`);
        if (commandLine.text('list') === 'yes') console.log(files.toSorted().join('\n'));
      }
    } finally {
      server.kill();
      await services.close();
    }
  },
};

async function send(url: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return response.text();
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
