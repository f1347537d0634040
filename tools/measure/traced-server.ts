import { Session } from 'node:inspector/promises';
import { serve } from '../../functions/serve.ts';

// The router as a server that tells its parent which of its files have run since it was asked last.
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

async function takeFiles(): Promise<readonly string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  // The function without a name that comes first is the module itself.
  const hasRun = result.filter(({ functions }) =>
    functions.some((one) => one.functionName !== '' && (one.ranges[0]?.count ?? 0) > 0),
  );
  return hasRun.map(({ url }) => url).filter((url) => /\/(shared|functions)\/[^ ]*\.ts$/.test(url));
}

process.on('message', () => void takeFiles().then((files) => process.send?.(files)));
await serve(new URL('../../functions/', import.meta.url));
process.send?.('listening');
