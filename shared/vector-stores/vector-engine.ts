import type { Filter } from './filter.ts';
import type { VectorItem, VectorStore } from './vector-store.ts';

/** Where a store's items are. */
export type Place = Pick<VectorStore, 'id' | 'dimensions'>;

export type VectorQuery = {
  readonly embedding: Float32Array;
  readonly limit: number;
  readonly filter?: Filter;
};

/** An item that was found, without its embedding. */
export type Hit = Omit<VectorItem, 'embedding'> & {
  /** The cosine of the two embeddings, from -1 to 1. */
  readonly score: number;
};

/**
 * A vector database. Embeddings have the store's dimensions and are no zero vectors. What was written by
 * a call that has ended is found by the next one, in a service after a second or two. Each call throws what
 * the database throws when it cannot be used.
 */
export type VectorEngine = {
  /** Adds items, and replaces those of the same ids. No item is left half written. */
  upsert(place: Place, items: readonly VectorItem[]): Promise<void>;
  /** Undefined for what is not there. */
  get(place: Place, id: string): Promise<VectorItem | undefined>;
  /** False when it was not there. */
  remove(place: Place, id: string): Promise<boolean>;
  /** The nearest by cosine among those that the filter lets through, the nearest first. */
  search(place: Place, query: VectorQuery): Promise<readonly Hit[]>;
  count(place: Place): Promise<number>;
  removeStore(place: Place): Promise<void>;
  close(): Promise<void>;
};
