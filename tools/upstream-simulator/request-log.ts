import type { IncomingMessage } from 'node:http';

/** A request as the simulator received it. */
export type RecordedRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The headers, with their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON; undefined until the body has arrived, or if it is not JSON. */
  readonly body: unknown;
  /** The deployment named by the path, or by the body's `model`. */
  readonly deployment: string | undefined;
  /** True when the client left before the answer was complete. */
  readonly aborted: boolean;
};

export type RequestEntry = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };

export type RequestLog = {
  readonly entries: readonly RecordedRequest[];
  /** Returns the new entry, which is completed as more becomes known. */
  readonly add: (request: IncomingMessage, url: URL) => RequestEntry;
  readonly clear: () => void;
};

/** Creates a log that keeps the newest `limit` requests. */
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

/** Returns the path and query; `/` when the request line does not contain a URL. */
export function requestUrl({ url = '/' }: IncomingMessage): URL {
  // The host does not matter here, so it is not taken from the client.
  const origin = 'http://simulator.invalid';
  return URL.parse(`${origin}${url}`) ?? new URL(origin);
}

function joinHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
  );
}
