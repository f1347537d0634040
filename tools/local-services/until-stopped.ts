/**
 * Resolves when the program is told to stop. It may be told so twice, by the terminal and by npm:
 * the second time must not end it in the middle of its closing.
 */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  return promise;
}
