/** In MiB. */
export type WorkerMemory = {
  /** What is still referred to, after a garbage collection: JavaScript's heap and its buffers. */
  readonly held: number;
  /** What the process has of the system, unused room of the heap and native libraries included. */
  readonly rss: number;
};

/** As Node prints it when it is started with `--inspect`. */
export const INSPECTOR = /Debugger listening on (ws:\/\/\S+)/;

const ANSWER_MS = 30_000;
/** Twice: what the first collection finalizes, the second one frees. */
const COLLECTIONS = ['HeapProfiler.collectGarbage', 'HeapProfiler.collectGarbage'];

/**
 * Collects garbage in a process and measures what is left, through its inspector: nothing has to be
 * built into what runs there. Throws when it does not answer.
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
