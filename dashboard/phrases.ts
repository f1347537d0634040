import type { PassedOver } from '../shared/routing/find-candidates.ts';
import type { Reason } from '../shared/routing/routing-decision.ts';
import { words } from './base/format.ts';

/** Short reasons why a deployment answered. */
const REASONS: Record<Reason, string> = {
  'win-rate': 'win rate',
  deployment: 'the request named it',
  models: 'the only model allowed',
  requirements: 'the only capable model',
  'price-ceiling': 'the only affordable model',
  budget: 'the budget is spent',
  fallback: 'another deployment failed',
  'no-text': 'no text to score',
  'embedding-unavailable': 'not embedded',
  'scorer-unavailable': 'not scored',
  session: 'the conversation stays with its model',
  'tool-loop': 'results of its own tool calls',
};

/** Short reasons why another deployment did not answer. */
const PASSED_OVER: Record<PassedOver | 'failed', string> = {
  paused: 'it is paused',
  'no-scorer-model': 'the scorer does not know the model',
  models: 'the request names other models',
  'use-case': 'not allowed for this use case',
  caller: 'not allowed for this caller',
  requirements: 'it cannot serve the request',
  'price-ceiling': 'too expensive for the use case',
  budget: 'the budget is spent',
  tier: 'the other tier was chosen',
  'win-rate': 'the strong model is too likely to do better',
  price: 'a cheaper deployment is enough',
  load: 'another deployment had its turn',
  session: 'the conversation stays with its model',
  failed: 'it was called and failed',
};

export function reasonPhrase(reason: string): string {
  return reason in REASONS ? REASONS[reason as Reason] : words(reason);
}

export function passedOverPhrase(why: string): string {
  return why in PASSED_OVER ? PASSED_OVER[why as PassedOver] : words(why);
}
