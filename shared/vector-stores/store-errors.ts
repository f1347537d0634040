import { HttpError, InvalidRequestError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';

/** There is no such store, or it is somebody else's (404). */
export class StoreNotFoundError extends HttpError {
  constructor() {
    super('There is no vector store of this id. It may have expired, or have been deleted.', {
      status: 404,
      code: 'vector_store_not_found',
      param: 'id',
    });
  }
}

export class ItemNotFoundError extends HttpError {
  constructor() {
    super('There is no embedding of this id in the vector store.', {
      status: 404,
      code: 'embedding_not_found',
      param: 'item',
    });
  }
}

/** There is no engine (409). */
export class StoresNotConfiguredError extends HttpError {
  constructor() {
    super(
      'Vector stores have nowhere to be kept: set VECTOR_STORE_FILE (one machine) or AI_SEARCH_ENDPOINT (Azure), and tables.',
      { status: 409, code: 'vector_stores_not_configured' },
    );
  }
}

/** The store's texts were embedded by another embedder than the one that there is now (409). */
export class EmbedderMismatchError extends HttpError {
  constructor(
    store: { readonly embedder: string; readonly dimensions: number },
    now: { readonly id: string; readonly dimensions: number | undefined },
  ) {
    const own = `${store.embedder} (${store.dimensions} dimensions)`;
    const other =
      now.dimensions === undefined ? now.id : `${now.id} (${now.dimensions} dimensions)`;
    super(
      `The texts of this vector store are embedded by ${own}, and this router now embeds by ${other}: they are not comparable. Send embeddings of ${own}, or make another store.`,
      { status: 409, code: 'embedder_mismatch', param: 'embedder' },
    );
  }
}

/** The store has no embedder (400). */
export class NoEmbedderError extends InvalidRequestError {
  constructor(param: string, dimensions: number) {
    super(
      `${param} is a text; this vector store takes embeddings alone, of ${dimensions} numbers: the router's embedder gives others.`,
      { param },
    );
  }
}

class StoresUnreachableError extends HttpError {
  constructor(cause: unknown) {
    super(
      `The storage of the vector stores cannot be used (${errorKind(cause)}). Send the request again: items of the same ids are replaced, not doubled.`,
      {
        status: 503,
        type: 'server_error',
        code: 'vector_stores_unreachable',
        headers: { 'retry-after': '2' },
        cause,
      },
    );
  }
}

/** What is wrong with a request as it is; all else is the storage's. */
export function toStoreError(error: unknown): HttpError {
  return error instanceof HttpError ? error : new StoresUnreachableError(error);
}
