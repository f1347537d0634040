/** A row as the table gives it, with its own members. */
export type Row = {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly etag?: string;
} & Readonly<Record<string, unknown>>;
