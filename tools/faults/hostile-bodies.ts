import type { Outcome } from './question.ts';

/** The body limit of the app under test, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

export type HostileBody = {
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly due: readonly Outcome[];
};

const ASK = '"messages":[{"role":"user","content":"Hi"}]';

/** Malformed and malicious bodies. Each must be answered with a 4xx. */
export const HOSTILE_BODIES: readonly HostileBody[] = [
  refused(''),
  refused('{"messages":'),
  refused('null'),
  refused('[]'),
  refused(`${'['.repeat(100_000)}`),
  refused(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`),
  refused(Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
  refused(`{${ASK},"headers":{"x-use-case":"stolen"}}`),
  refused(`{${ASK},"HeadeRs":"{}"}`),
  refused('{"messages":7}'),
  refused('{"messages":[]}'),
  refused('{"messages":[{"content":"Hi"}]}'),
  refused('{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}'),
  refused(`{"messages":[${'{"role":"user","content":"Hi"},'.repeat(3_000)}{"role":"user"}]}`),
  refused(`{${ASK},"stream":"yes"}`),
  refused(`{${ASK},"routing":{"threshold":1e400}}`),
  refused(`{${ASK},"routing":{"treshold":0.5}}`),
  refused(`{${ASK},"routing":{"models":["nobody"]}}`),
  { ...refused(`{${ASK},"thread_id":"mine"}`), due: ['error 404'] },
  { ...refused(`{${ASK},"padding":"${'x'.repeat(MAX_BODY_BYTES)}"}`), due: ['error 413'] },
  { ...refused(Buffer.alloc(4 * MAX_BODY_BYTES, 0x20)), due: ['error 413'] },
];

function refused(body: string | Uint8Array): HostileBody {
  return { body, headers: {}, due: ['error 400'] };
}
