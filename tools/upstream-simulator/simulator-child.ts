// A simulator in its own process, which can be killed: sends its parent its address and, with the
// second argument `calls`, each chat completion that it is asked for. The first argument is its port.
import { startSimulator } from './simulator.ts';

/** A message between a simulator's process and its parent. */
export type SimulatorMessage =
  | { readonly type: 'started'; readonly url: string }
  /** A deployment is asked for a chat completion. */
  | { readonly type: 'call'; readonly id: string }
  | { readonly type: 'mark' };

const [port = '0', told] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
// Sent back, so that the parent knows that it has heard of all that came before.
process.on('message', (message: SimulatorMessage) => send(message));

const { url } = await startSimulator({
  port: Number(port),
  record: 0,
  ...(told === 'calls' && {
    onRequest: ({ path, headers }) => {
      const id = headers['x-ms-client-request-id'];
      // Embeddings are asked for in the name of the router.
      if (id !== undefined && path.endsWith('/chat/completions')) send({ type: 'call', id });
    },
  }),
});
send({ type: 'started', url });

function send(message: SimulatorMessage): void {
  process.send?.(message);
}
