const SAFE = { filtered: false, severity: 'safe' } as const;
const NOT_DETECTED = { filtered: false, detected: false } as const;

/** The verdict of Azure's content filter on harmless text. */
export const SAFE_CONTENT = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE } as const;

export const SAFE_PROMPT = [
  { prompt_index: 0, content_filter_results: { ...SAFE_CONTENT, jailbreak: NOT_DETECTED } },
] as const;

/** The verdict of Azure's content filter on text that it filtered for violence. */
export const FILTERED_CONTENT = {
  ...SAFE_CONTENT,
  violence: { filtered: true, severity: 'high' },
} as const;
