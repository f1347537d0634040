import type { HttpError } from '../base/errors.ts';
import type { PlainAnswer } from '../chat-format/plain-answer.ts';
import type { OpenEvents } from './pass-events.ts';

export type Headers = Readonly<Record<string, string>>;

/** What a deployment answered, or why there is nothing to pass on. */
export type Reply =
  | { readonly kind: 'plain'; readonly headers: Headers; readonly answer: PlainAnswer }
  | { readonly kind: 'events'; readonly headers: Headers; readonly events: OpenEvents }
  /** An answer whose status is not 200. */
  | {
      readonly kind: 'refusal';
      readonly status: number;
      readonly headers: Headers;
      readonly bytes: Buffer;
    }
  | { readonly kind: 'failure'; readonly error: HttpError };

/** Whether the deployment answered, and with more than the router can hold. */
export function isTooMuch({ code }: HttpError): boolean {
  return code === 'answer_too_large' || code === 'too_many_bytes';
}
