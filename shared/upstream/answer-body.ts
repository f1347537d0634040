/** Beyond it the connection is not read on before somebody has taken what came. */
const MAX_WAITING_BYTES = 64 * 1024;

/** What a body's connection can be told. */
type Source = {
  pause(): void;
  resume(): void;
  /** Gives the rest up, and the connection with it. */
  abort(reason: Error): void;
};

/** Bytes as they come, until nobody wants the rest. */
export type Bytes = AsyncIterable<Uint8Array> & { destroy(): void };

/** Nobody wants the rest of the body. */
export class BodyGivenUpError extends Error {}

type Listeners = {
  /** Told of the first byte. */
  readonly onByte: () => void;
  /** Told once of the end: with the error that ended it early. */
  readonly onClose: (error: Error | undefined) => void;
};

/**
 * The body of an answer, as its bytes come: to be iterated once, or given up. A stream of Node's would do
 * the same; with it and what reads it, a short request took a sixth longer.
 */
export class AnswerBody implements Bytes, AsyncIterator<Uint8Array, undefined> {
  readonly #source: Source;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #hasBytes = false;
  #isClosed = false;
  #error: Error | undefined;
  #listeners: Listeners | undefined;
  /** Of whoever waits for the next chunk, or the end. */
  #wake: (() => void) | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  /** To be called once. What has happened before is told at once. */
  watch(listeners: Listeners): void {
    this.#listeners = listeners;
    if (this.#hasBytes) listeners.onByte();
    if (this.#isClosed) listeners.onClose(this.#error);
  }

  push(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    if (!this.#hasBytes) this.#listeners?.onByte();
    this.#hasBytes = true;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#source.pause();
    this.#wake?.();
  }

  /** No more comes. */
  end(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    this.#listeners?.onClose(error);
    this.#wake?.();
  }

  /** Gives it up, if it has not ended. */
  destroy(): void {
    if (this.#isClosed) return;
    const error = new BodyGivenUpError('The rest of the answer is not wanted.');
    this.end(error);
    this.#source.abort(error);
  }

  /** Throws what ended it early, once all that came before is taken. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#waiting.length === 0 && !this.#isClosed) await this.#change();
    const value = this.#waiting.shift();
    if (value !== undefined) {
      this.#waitingBytes -= value.byteLength;
      if (this.#waitingBytes <= MAX_WAITING_BYTES) this.#source.resume();
      return { done: false, value };
    }
    if (this.#error !== undefined) throw this.#error;
    return { done: true, value: undefined };
  }

  /** Who stops iterating wants no more. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.destroy();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
