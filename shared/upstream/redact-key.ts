/** Shorter keys are words that local servers ask for, not secrets: removing them would garble texts. */
const MIN_LENGTH = 8;

/** Removes the deployment's own key from its error: some servers repeat the key that they refuse. */
export function redactKey(bytes: Buffer, apiKey: string | undefined): Buffer {
  if (apiKey === undefined || apiKey.length < MIN_LENGTH) return bytes;
  // JSON writes a backslash before some characters.
  const forms = [JSON.stringify(apiKey).slice(1, -1), apiKey].filter((form) =>
    bytes.includes(form),
  );
  if (forms.length === 0) return bytes;
  // Latin-1 has one character a byte, so that bytes that are not UTF-8 stay unchanged.
  let text = bytes.toString('latin1');
  for (const form of forms) text = text.replaceAll(form, '[key]');
  return Buffer.from(text, 'latin1');
}
