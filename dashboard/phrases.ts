import type { PassedOver } from '../shared/routing/find-candidates.ts';
import type { Reason } from '../shared/routing/routing-decision.ts';
import { words } from './base/format.ts';

/** Why a deployment answered, in few words. */
const REASONS: Record<Reason, string> = {
  'win-rate': 'win rate',
  'out-of-distribution': 'unlike the training data',
  deployment: 'the request named it',
  models: 'the only one allowed',
  requirements: 'the only one able',
  'price-ceiling': 'the only one cheap enough',
  budget: 'the budget is spent',
  fallback: 'another could not',
  'no-text': 'no text to score',
  'embedding-unavailable': 'not embedded',
  'scorer-unavailable': 'not scored',
  session: 'stays in the conversation',
  'tool-loop': 'results of its tools',
};

/** Why another did not. */
const PASSED_OVER: Record<PassedOver | 'failed', string> = {
  paused: 'it is paused',
  'no-scorer-model': 'the scorer knows no such model',
  models: 'the request names others',
  'use-case': 'not for this use case',
  caller: 'not for this caller',
  requirements: 'it cannot serve the request',
  'price-ceiling': 'too dear for the use case',
  budget: 'the budget is spent',
  tier: 'the other tier was chosen',
  'win-rate': 'the strong model is too likely to do better',
  price: 'a cheaper one will do',
  load: 'another had its turn',
  session: 'the conversation stays with its model',
  failed: 'it was asked, and failed',
};

export function reasonPhrase(reason: string): string {
  return reason in REASONS ? REASONS[reason as Reason] : words(reason);
}

export function passedOverPhrase(why: string): string {
  return why in PASSED_OVER ? PASSED_OVER[why as PassedOver] : words(why);
}
