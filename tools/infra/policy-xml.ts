import { SaxesParser } from 'saxes';

export type XmlElement = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The names of the enclosing elements, such as `policies/inbound`. */
  readonly place: string;
  /** All text in the element. */
  readonly text: string;
};

/** Reads a policy's elements in their order, and its first XML error. */
export function readXml(text: string): {
  readonly elements: readonly XmlElement[];
  readonly problem?: string;
} {
  const elements: { -readonly [Key in keyof XmlElement]: XmlElement[Key] }[] = [];
  const open: typeof elements = [];
  let problem: string | undefined;
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes, place: open.map((one) => one.name).join('/'), text: '' };
    elements.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    for (const element of open) element.text += text;
  });
  parser.on('closetag', () => open.pop());
  // Only the first error counts, since the following ones are mostly its consequences.
  parser.on('error', ({ message }) => {
    problem ??= message;
  });
  parser.write(text).close();
  return { elements, ...(problem !== undefined && { problem }) };
}
