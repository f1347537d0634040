/** Returns the dot product of the first `length` numbers. */
export function dot(a: Float64Array, b: Float64Array, length = a.length): number {
  let sum = 0;
  for (let index = 0; index < length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/** Adds scaled values to as many of the target's numbers. */
export function addScaled(target: Float64Array, values: ArrayLike<number>, scale: number): void {
  for (let index = 0; index < values.length; index += 1) {
    target[index] = (target[index] ?? 0) + scale * (values[index] ?? 0);
  }
}
