import * as z from 'zod';

export const usdPerMillion = z.number().min(0).max(1_000_000);

/** USD per million tokens. */
export const priceSchema = z.strictObject({
  input: usdPerMillion,
  output: usdPerMillion,
  cached_input: usdPerMillion
    .optional()
    .describe("The price of input served from the service's prompt cache; absent: not known."),
});

export type Price = Readonly<z.infer<typeof priceSchema>>;
