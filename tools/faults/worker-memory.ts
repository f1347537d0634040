/** The memory of a worker, in MiB. */
export type WorkerMemory = {
  /** JavaScript's heap and its buffers, after a garbage collection. */
  readonly held: number;
  /** Resident memory of the process, including unused heap and native libraries. */
  readonly rss: number;
};

/** The line that Node prints when it is started with `--inspect`. */
export const INSPECTOR = /Debugger listening on (ws:\/\/\S+)/;

const ANSWER_MS = 30_000;
/** Two collections: the second one frees the objects that the first one finalizes. */
const COLLECTIONS = ['HeapProfiler.collectGarbage', 'HeapProfiler.collectGarbage'];

/**
 * Collects garbage in a process and measures the remaining memory through its inspector, so that the
 * program itself needs no code for it. Throws when the inspector does not answer.
 */
export async function measureMemory(inspectorUrl: string): Promise<WorkerMemory> {
  const socket = new WebSocket(inspectorUrl);
  try {
    await nextEvent(socket, 'open');
    for (const method of COLLECTIONS) await call(socket, method);
    const expression = 'JSON.stringify(process.memoryUsage())';
    const { value } = await call(socket, 'Runtime.evaluate', { expression });
    const { heapUsed, external, rss } = JSON.parse(value ?? '') as NodeJS.MemoryUsage;
    return { held: toMebibytes(heapUsed + external), rss: toMebibytes(rss) };
  } finally {
    socket.close();
  }
}

type Result = { readonly value?: string };

async function call(socket: WebSocket, method: string, params: object = {}): Promise<Result> {
  socket.send(JSON.stringify({ id: 1, method, params }));
  const { data } = (await nextEvent(socket, 'message')) as MessageEvent;
  const { result } = JSON.parse(String(data)) as { result?: { result?: Result } };
  return result?.result ?? {};
}

function nextEvent(socket: WebSocket, type: 'open' | 'message'): Promise<Event> {
  const { promise, resolve, reject } = Promise.withResolvers<Event>();
  const fail = () => reject(new Error('The inspector of the worker does not answer.'));
  socket.addEventListener(type, resolve, { once: true });
  socket.addEventListener('error', fail, { once: true });
  const timer = setTimeout(fail, ANSWER_MS);
  return promise.finally(() => clearTimeout(timer));
}

function toMebibytes(bytes: number): number {
  return bytes / 1024 / 1024;
}
