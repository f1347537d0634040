/** Shorter keys are words that local servers ask for, not secrets: removing them would garble texts. */
const MIN_LENGTH = 8;

/** Removes a secret from bytes; they are returned as they are if they do not have it. */
export type Redact = (bytes: Buffer) => Buffer;

/**
 * Creates the filter for what a deployment says besides a model's content: headers, errors and events
 * without choices. Some servers repeat the key that they refuse, or that they were called with.
 */
export function createRedact(apiKey: string | undefined): Redact {
  if (apiKey === undefined || apiKey.length < MIN_LENGTH) return (bytes) => bytes;
  // JSON writes a backslash before some characters.
  const forms = [JSON.stringify(apiKey).slice(1, -1), apiKey];
  return (bytes) => {
    const found = forms.filter((form) => bytes.includes(form));
    if (found.length === 0) return bytes;
    // Latin-1 has one character a byte, so that bytes that are not UTF-8 stay unchanged.
    let text = bytes.toString('latin1');
    for (const form of found) text = text.replaceAll(form, '[key]');
    return Buffer.from(text, 'latin1');
  };
}
