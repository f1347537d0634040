/** Numbers in a prompt's factors and in a model's factors. */
export const RANK = 2;

/**
 * Returns a model's factors as a function of its strength (mean 0, variance 1 over the models): the
 * strength and its square. A prompt's two factors then tell how much the score rises from weak
 * models to strong ones, and where: a hard prompt separates the best from the good, an easy one the
 * worst from the rest. All models of a row teach the same two numbers, and any two can be compared.
 */
export function strengthFactors(strength: number): readonly [number, number] {
  return [strength, (strength * strength - 1) / 2];
}

/** Returns the score of a model of this strength on a row, from factors [rows, RANK]. */
export function scoreByStrength(factors: Float64Array, row: number, strength: number): number {
  const [linear, square] = strengthFactors(strength);
  return linear * (factors[row * RANK] ?? 0) + square * (factors[row * RANK + 1] ?? 0);
}
