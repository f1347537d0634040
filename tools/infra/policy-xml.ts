import { SaxesParser } from 'saxes';

export type XmlElement = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The names of the elements that it is in: `policies/inbound`. */
  readonly place: string;
  /** All text in it. */
  readonly text: string;
};

/** A policy's elements in their order, and what is wrong with it as XML. */
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
  // The first: what follows it is mostly its consequence.
  parser.on('error', ({ message }) => {
    problem ??= message;
  });
  parser.write(text).close();
  return { elements, ...(problem !== undefined && { problem }) };
}
