// The examples of bodies in the document. The linter checks them against their schemas.

export const chatRequest = {
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  routing: { mode: 'balanced' },
};

const identity = { id: 'chatcmpl-9XbqQ', created: 1_795_000_000, model: 'gpt-5.6-luna' };

export const chatCompletion = {
  ...identity,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
  response: 'Paris.',
  selected_model: 'gpt-5.6-luna',
};

export const chatCompletionChunk = {
  ...identity,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content: 'Paris' }, finish_reason: null }],
};

export const embeddingsRequest = { input: ['The first text.', 'The second text.'] };

export const embeddingsList = {
  object: 'list',
  model: 'text-embedding-3-small',
  data: [
    { object: 'embedding', index: 0, embedding: [0.0123, -0.0456, 0.0789] },
    { object: 'embedding', index: 1, embedding: [0.0312, 0.0654, -0.0987] },
  ],
  usage: { prompt_tokens: 8, total_tokens: 8 },
};

export const modelList = {
  object: 'list',
  data: ['smart-router', 'strong', 'weak'].map((id) => ({
    id,
    object: 'model',
    created: 0,
    owned_by: 'smart-router',
  })),
};

export const routeBatch = {
  prompts: ['Hi, how are you today?', 'Prove that the square root of 2 is irrational.'],
  routing: { strong_share: 0.3 },
};

export const routingDecisions = {
  object: 'list',
  scorer: 'local@1',
  calibration: 'everyday@1',
  data: [
    {
      object: 'routing.decision',
      index: 0,
      percentile: 0.12,
      win_rate: 0.31,
      threshold: 0.58,
      threshold_from: 'own 62%',
      tier: 'weak',
      selected_model: 'gpt-5.6-luna',
      deployment: 'weak',
      reason: 'win-rate',
    },
    {
      object: 'routing.decision',
      index: 1,
      percentile: 0.93,
      win_rate: 0.74,
      threshold: 0.58,
      threshold_from: 'own 62%',
      tier: 'strong',
      selected_model: 'gpt-5.6',
      deployment: 'strong',
      reason: 'win-rate',
    },
  ],
};

export function readiness(status: 'ready' | 'unavailable') {
  const state = status === 'ready' ? 'ok' : 'unreachable';
  const circuit = status === 'ready' ? 'closed' : 'open';
  return {
    status,
    scorer: { state: 'ok', name: 'local@1' },
    embeddings: { state: 'ok', embedder: 'local' },
    tables: { state: 'not-used' },
    registry: { state: 'ok', age_ms: 850, problems: [] },
    background: [{ name: 'decisions', success_age_ms: 1_240, failures_in_a_row: 0 }],
    deployments: [
      { name: 'strong', state, circuit, in_flight: 0, queued: 0 },
      { name: 'weak', state, circuit, in_flight: 0, queued: 0 },
    ],
  };
}
