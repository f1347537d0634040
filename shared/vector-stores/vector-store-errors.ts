import { HttpError, InvalidRequestError } from '../base/errors.ts';
import { createStoreErrors, NotConfiguredError, NotFoundError } from '../storage/store-errors.ts';

/** The store does not exist, or it belongs to another caller (404). */
export class StoreNotFoundError extends NotFoundError {
  constructor() {
    super('There is no vector store with this id. It may have expired or been deleted.', {
      code: 'vector_store_not_found',
      param: 'id',
    });
  }
}

/** The store has no embedding with this id (404). */
export class ItemNotFoundError extends NotFoundError {
  constructor() {
    super('There is no embedding with this id in the vector store.', {
      code: 'embedding_not_found',
      param: 'item',
    });
  }
}

/** No engine or no table for vector stores is configured (409). */
export class StoresNotConfiguredError extends NotConfiguredError {
  constructor() {
    super(
      'No storage for vector stores is configured: set VECTOR_STORE_FILE (one machine) or AI_SEARCH_ENDPOINT (Azure), and tables.',
      'vector_stores_not_configured',
    );
  }
}

/** The store's texts were embedded by another embedder than the router has now (409). */
export class EmbedderMismatchError extends HttpError {
  constructor(
    store: { readonly embedder: string; readonly dimensions: number },
    now: { readonly id: string; readonly dimensions: number | undefined },
  ) {
    const own = `${store.embedder} (${store.dimensions} dimensions)`;
    const other =
      now.dimensions === undefined ? now.id : `${now.id} (${now.dimensions} dimensions)`;
    super(
      `The texts of this vector store are embedded by ${own}, but this router now embeds with ${other}, and the two cannot be compared. Send embeddings of ${own}, or create another store.`,
      { status: 409, code: 'embedder_mismatch', param: 'embedder' },
    );
  }
}

/** The store has no embedder and takes no texts (400). */
export class NoEmbedderError extends InvalidRequestError {
  constructor(param: string, dimensions: number) {
    super(
      `${param} is a text, but this vector store takes only embeddings of ${dimensions} numbers: the router's embedder returns another number of them.`,
      { param },
    );
  }
}

export const { orUnreachable } = createStoreErrors({
  what: 'The storage of the vector stores',
  code: 'vector_stores_unreachable',
  advice: 'Send the request again: items with the same ids are replaced, not added twice.',
  retryAfter: 2,
});
