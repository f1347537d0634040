import type { IncomingMessage } from 'node:http';

/** A request as the simulator received it. */
export type RecordedRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON; undefined until it has arrived, or when it is not JSON. */
  readonly body: unknown;
  /** Named by the path, or by the body's `model`. */
  readonly deployment: string | undefined;
  /** The client left before the answer was complete. */
  readonly aborted: boolean;
};

export type RequestEntry = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };

export type RequestLog = {
  readonly entries: readonly RecordedRequest[];
  /** Returns the entry, to be completed as more becomes known. */
  readonly add: (request: IncomingMessage, url: URL) => RequestEntry;
  readonly clear: () => void;
};

/** Keeps the newest `limit` requests. */
export function createRequestLog(limit: number): RequestLog {
  const entries: RequestEntry[] = [];
  return {
    entries,
    add(request, url) {
      const entry: RequestEntry = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: joinHeaders(request),
        body: undefined,
        deployment: undefined,
        aborted: false,
      };
      entries.push(entry);
      if (entries.length > limit) entries.shift();
      return entry;
    },
    clear() {
      entries.length = 0;
    },
  };
}

/** The path and query; `/` when the request line holds no URL. */
export function requestUrl({ url = '/' }: IncomingMessage): URL {
  // The host does not matter here and is not taken from the client.
  const origin = 'http://simulator.invalid';
  return URL.parse(`${origin}${url}`) ?? new URL(origin);
}

function joinHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
  );
}
