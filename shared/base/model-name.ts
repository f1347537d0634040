/** Returns a model's name in lower case, without its maker or provider: `openai/gpt-5` is `gpt-5`. */
export function bareName(name: string): string {
  return name.toLowerCase().slice(name.lastIndexOf('/') + 1);
}
