/** Who is calling, once that is proven. */
export type Caller = {
  /** For logs, limits and the decision log: the key's name, the token's subject, the subscription's id. */
  readonly name: string;
  /** `admin` may change what the router does for everybody. */
  readonly role: 'user' | 'admin';
  /** The use cases that it may name; absent: any. */
  readonly useCases?: readonly string[];
  /** The deployments that may answer it; absent: any. */
  readonly deployments?: readonly string[];
};
