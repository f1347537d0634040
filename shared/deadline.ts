/** A limit in time that can be lifted: unlike AbortSignal.timeout it leaves no timer behind. */
export type Deadline = { readonly signal: AbortSignal; clear(): void };

export function createDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
