// The simulated deployments in a process of their own: tells its parent the address.
import { startSimulator } from '../upstream-simulator/simulator.ts';

process.on('disconnect', () => process.exit(0));
const { url } = await startSimulator({ record: 0 });
process.send?.(url);
