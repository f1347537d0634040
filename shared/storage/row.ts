/** A row as the table returns it, with its own fields. */
export type Row = {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly etag?: string;
} & Readonly<Record<string, unknown>>;
