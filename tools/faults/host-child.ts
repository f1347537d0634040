// The app in the local host, in a process of its own: what the host says of broken exchanges is no
// news to who breaks them. Runs the app with the environment that it is given.
import { fileURLToPath } from 'node:url';
import { startLocalHost } from '../local-host/local-host.ts';

const host = await startLocalHost({ appFolder: fileURLToPath(new URL('../..', import.meta.url)) });
process.on('disconnect', () => process.exit(0));
process.on('message', async () => {
  await host.close();
  process.exit(0);
});
process.send?.(host.url);
