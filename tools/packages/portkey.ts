import { fileURLToPath } from 'node:url';

/** The file that starts Portkey's gateway. */
export const PORTKEY = fileURLToPath(
  new URL('node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url),
);
