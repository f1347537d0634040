/**
 * One event of a streamed completion. `kind` lets the sender pace content and break off after some
 * of it.
 */
export type ChatFrame = {
  readonly kind: 'start' | 'content' | 'finish' | 'usage' | 'done';
  readonly payload: object | '[DONE]';
  /** The lines of its event before those of the data. */
  readonly fields?: string;
};
