// A simulator in a process of its own, so that it can be killed: tells its parent its address, and
// each request that arrives. Takes the port to listen on.
import { startSimulator } from '../upstream-simulator/simulator.ts';
import type { SimulatorMessage } from './simulator-process.ts';

process.on('disconnect', () => process.exit(0));
// Sent back, so that the parent knows that it has heard of all that came before.
process.on('message', (message: SimulatorMessage) => process.send?.(message));

const { url } = await startSimulator({
  port: Number(process.argv[2] ?? 0),
  record: 0,
  onRequest: ({ path, headers }) => {
    const id = headers['x-ms-client-request-id'];
    // Embeddings are asked for in the name of the router.
    if (id !== undefined && path.endsWith('/chat/completions')) send({ type: 'call', id });
  },
});
send({ type: 'started', url });

function send(message: SimulatorMessage): void {
  process.send?.(message);
}
