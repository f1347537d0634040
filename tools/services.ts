import { startLocalServices } from './local-services/local-services.ts';
import { untilStopped } from './local-services/until-stopped.ts';

// For a plain `func start`: the sample settings look for both at these addresses.
const services = await startLocalServices({});
console.log(`Simulated deployments: ${services.simulatorUrl ?? 'none'}
Tables and blobs: ${services.settings['TABLES_CONNECTION_STRING'] ?? 'none'}
Ctrl+C stops both.`);
await untilStopped();
await services.close();
