import { createRandom } from '../model/random.ts';

const CLUSTERS = 500;
/** The size of the noise relative to the centers: texts of one topic have cosines of about 0.6. */
const NOISE = 0.8;
const NOISE_POOL = 1 << 20;

/** Makes embeddings of length 1, in clusters like those of texts; the same ones for the same seed. */
export function createVectorMaker(dimensions: number, seed = 1): () => Float32Array {
  const random = createRandom(seed);
  const normal = () =>
    Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
  const centers = Array.from({ length: CLUSTERS }, () =>
    Float32Array.from({ length: dimensions }, normal),
  );
  const noise = Float32Array.from({ length: NOISE_POOL }, normal);
  return () => {
    const center = centers[Math.floor(random() * CLUSTERS)] ?? new Float32Array(dimensions);
    const from = Math.floor(random() * (NOISE_POOL - dimensions));
    const vector = center.map((value, index) => value + NOISE * (noise[from + index] ?? 0));
    const length = Math.sqrt(dot(vector, vector));
    return vector.map((value) => value / length);
  };
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
