import { once } from 'node:events';
import { createServer } from 'node:net';

/** Returns the preferred port of 127.0.0.1 when it is free, else 0, which stands for any free port. */
export async function pickPort(preferred: number): Promise<number> {
  const server = createServer().listen(preferred, '127.0.0.1');
  try {
    await once(server, 'listening');
    return preferred;
  } catch {
    return 0;
  } finally {
    server.close();
  }
}
