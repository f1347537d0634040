import { createStoreErrors, NotConfiguredError, NotFoundError } from '../storage/store-errors.ts';

/** The router did not route this request, or its decision was never meant to be kept (404). */
export class RequestNotFoundError extends NotFoundError {
  constructor() {
    super(
      'There is no request with this id: send the x-smart-router-request-id of an answer from this router.',
      { code: 'request_not_found', param: 'request_id' },
    );
  }
}

/** The decision does not exist, is not written yet or has been deleted (404). */
export class DecisionNotFoundError extends NotFoundError {
  constructor() {
    super(
      'There is no decision with this request id: it is written some seconds after the answer, and deleted after DECISION_RETENTION_DAYS.',
      { code: 'decision_not_found' },
    );
  }
}

/** No table for decisions is configured, or they are switched off (409). */
export class DecisionsNotKeptError extends NotConfiguredError {
  constructor() {
    super(
      'Decisions are not kept: set TABLES_ENDPOINT or TABLES_CONNECTION_STRING, and do not set DECISION_LOG=off.',
      'decisions_not_kept',
    );
  }
}

/** With an Idempotency-Key, sending an outcome again is safe. */
export const { orUnreachable } = createStoreErrors({
  what: 'The table of the decisions',
  code: 'decisions_unreachable',
  advice: 'Send the request again; with an Idempotency-Key nothing is kept twice.',
  retryAfter: 2,
});
