import * as z from 'zod';

/** An enumeration whose description says what each value means. */
export function choice<Value extends string>(meanings: Readonly<Record<Value, string>>) {
  const values = Object.keys(meanings) as Value[];
  const text = values.map((value) => `\`${value}\`: ${meanings[value]}`).join('; ');
  return z.enum(values).describe(`${text}.`);
}
