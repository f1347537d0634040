/** Shorter ones are no secrets but words that local servers ask for: taking them out would garble. */
const MIN_LENGTH = 8;

/** What a deployment says of an error, without its own key: some servers repeat the one they refuse. */
export function redactKey(bytes: Buffer, apiKey: string | undefined): Buffer {
  if (apiKey === undefined || apiKey.length < MIN_LENGTH) return bytes;
  // As JSON writes it, with a backslash before some, and as it is.
  const forms = [JSON.stringify(apiKey).slice(1, -1), apiKey].filter((form) =>
    bytes.includes(form),
  );
  if (forms.length === 0) return bytes;
  // One character a byte: those that are not UTF-8 stay what they are.
  let text = bytes.toString('latin1');
  for (const form of forms) text = text.replaceAll(form, '[key]');
  return Buffer.from(text, 'latin1');
}
