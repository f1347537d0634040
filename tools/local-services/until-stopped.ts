/**
 * Resolves when the program receives a signal to stop. The signal may come twice, from the terminal and
 * from npm: the second one must not end the program while it closes.
 */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  return promise;
}
