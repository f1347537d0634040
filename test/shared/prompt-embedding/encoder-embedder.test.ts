import { expect, test } from 'vitest';
import {
  ENCODER_EMBEDDER,
  insertSentence,
  SENTENCE_DIMENSIONS,
  withoutSentence,
} from '../../../shared/prompt-embedding/encoder-embedder.ts';
import { LOCAL_EMBEDDER } from '../../../shared/prompt-embedding/local-embedder.ts';
import { findOwnEmbedder, isOwnId } from '../../../shared/prompt-embedding/own-embedders.ts';

test('a sentence stands after the dense numbers of the local embedding, which stays whole', () => {
  const local = Float32Array.from({ length: LOCAL_EMBEDDER.dimensions }, (_, index) => index + 1);
  const sentence = new Float32Array(SENTENCE_DIMENSIONS).fill(-1);
  const embedding = insertSentence(local, sentence);
  expect(embedding).toHaveLength(12_986);
  const { denseDimensions } = LOCAL_EMBEDDER;
  expect(embedding.subarray(denseDimensions, ENCODER_EMBEDDER.denseDimensions)).toEqual(sentence);
  expect(withoutSentence(embedding)).toEqual(local);
});

test.each([
  ['local/2', true, true],
  ['encoder/1', true, true],
  ['encoder/999', true, false],
  ['azure-openai/text-embedding-3-small', false, false],
])('%s is the id of an embedder of this app: %j, of this version: %j', (id, isOwn, isThis) => {
  expect(isOwnId(id)).toBe(isOwn);
  expect(findOwnEmbedder(id)?.id).toBe(isThis ? id : undefined);
});
