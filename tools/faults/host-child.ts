// Runs the app in the local host, in a separate process with the given environment. The host's reports
// of broken exchanges stay there: here they are broken on purpose.
import { fileURLToPath } from 'node:url';
import { startLocalHost } from '../local-host/local-host.ts';

const host = await startLocalHost({ appFolder: fileURLToPath(new URL('../..', import.meta.url)) });
process.on('disconnect', () => process.exit(0));
process.on('message', async () => {
  await host.close();
  process.exit(0);
});
process.send?.(host.url);
