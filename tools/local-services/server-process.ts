import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The built router without a host, in its own process. */
export type ServerProcess = {
  readonly url: string;
  /** Returns its whole output. */
  output(): string;
  /** Asks it to end, as a container's host does. Resolves to its exit code. */
  stop(): Promise<number | null>;
};

type Options = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onOutput?: (text: string) => void;
};

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Starts the router at a free port. If it ends before it listens, throws an error with its output. */
export async function startServerProcess({ env, onOutput }: Options): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['dist/functions/server.js'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env, PORT: env['PORT'] ?? '0' },
  });
  const exited = once(child, 'exit');
  let output = '';
  const { promise: port, resolve, reject } = Promise.withResolvers<string>();
  function take(chunk: unknown): void {
    output += String(chunk);
    onOutput?.(String(chunk));
    const found = /"event":"listening".*"port":(\d+)/.exec(output)?.[1];
    if (found !== undefined) resolve(found);
  }
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  void exited.then(() => reject(new Error(output)));
  const url = `http://127.0.0.1:${await port}`;
  return {
    url,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await exited;
      return child.exitCode;
    },
  };
}
