import type { Filter } from './filter.ts';
import type { VectorItem, VectorStore } from './vector-store.ts';

/** A store whose items an engine holds. */
export type Place = Pick<VectorStore, 'id' | 'dimensions'>;

export type VectorQuery = {
  readonly embedding: Float32Array;
  readonly limit: number;
  readonly filter?: Filter;
};

/** An item found by a search, without its embedding. */
export type Hit = Omit<VectorItem, 'embedding'> & {
  /** The cosine of the two embeddings, from -1 to 1. */
  readonly score: number;
};

/**
 * A vector database. Embeddings have the store's dimensions and are not zero. Items written by one call
 * are found by the next call; in a remote service, after a second or two. Every call throws the
 * database's error when it cannot be used.
 */
export type VectorEngine = {
  /** Adds items, and replaces those with the same ids. No item is left half written. */
  upsert(place: Place, items: readonly VectorItem[]): Promise<void>;
  /** Returns undefined if the item does not exist. */
  get(place: Place, id: string): Promise<VectorItem | undefined>;
  /** Returns false if the item did not exist. */
  remove(place: Place, id: string): Promise<boolean>;
  /** Returns the items nearest by cosine that pass the filter, the nearest first. */
  search(place: Place, query: VectorQuery): Promise<readonly Hit[]>;
  count(place: Place): Promise<number>;
  removeStore(place: Place): Promise<void>;
  close(): Promise<void>;
};
