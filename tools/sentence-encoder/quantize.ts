/** Numbers as whole numbers from -63 to 63, with a factor for each group of them. */
export type Quantized = { readonly values: Int8Array; readonly scales: Float32Array };

/**
 * The largest magnitude: seven bits. Processors without VNNI add two products of an unsigned and a
 * signed byte in 16 bits, which eight bits would overflow.
 */
const MAX = 63;

/** Quantizes each column of a matrix [rows, columns]. */
export function quantizeColumns(matrix: Float32Array, columns: number): Quantized {
  return quantize(matrix, columns, (index) => index % columns);
}

/** Quantizes each row of a matrix [rows, columns]. */
export function quantizeRows(matrix: Float32Array, columns: number): Quantized {
  return quantize(matrix, matrix.length / columns, (index) => Math.floor(index / columns));
}

function quantize(
  numbers: Float32Array,
  groups: number,
  groupOf: (index: number) => number,
): Quantized {
  const scales = new Float32Array(groups);
  for (const [index, value] of numbers.entries()) {
    const group = groupOf(index);
    scales[group] = Math.max(scales[group] ?? 0, Math.abs(value) / MAX);
  }
  const values = Int8Array.from(numbers, (value, index) => {
    const scale = scales[groupOf(index)] ?? 0;
    return scale === 0 ? 0 : Math.max(-MAX, Math.min(MAX, Math.round(value / scale)));
  });
  return { values, scales };
}
