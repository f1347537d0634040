import { expect, test } from 'vitest';
import { CallEndedError } from '../../../shared/base/errors.ts';
import { createScorePrompts } from '../../../shared/routing/score-prompts.ts';

const unused = () => Promise.reject(new Error('Nothing is ever embedded here.'));

const score = createScorePrompts({
  scorer: { score: unused },
  getPromptEmbedding: () => new Promise(() => undefined),
  log: () => undefined,
});

test.each([
  [
    'ends with the reason of a call that was ended',
    new CallEndedError('client_gone'),
    'client_gone',
  ],
  ['is a timeout when the time of the request is over', undefined, 'decision_timeout'],
])('the wait for an embedding %s', async (_, reason, code) => {
  const controller = new AbortController();
  const waits = [score.one('Hi', controller.signal), score.all(['Hi', 'Ho'], controller.signal)];
  setTimeout(() => controller.abort(reason), 10);
  for (const wait of waits) await expect(wait).rejects.toMatchObject({ code });
});
