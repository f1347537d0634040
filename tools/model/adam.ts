/** The usual constants (Kingma and Ba, arXiv 1412.6980). */
const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.999;
const SMALLEST = 1e-8;

/** The Adam optimiser for one array of weights. */
export class Adam {
  readonly #means: Float32Array;
  readonly #squares: Float32Array;
  readonly #learningRate: number;
  #steps = 0;

  constructor(length: number, learningRate: number) {
    this.#means = new Float32Array(length);
    this.#squares = new Float32Array(length);
    this.#learningRate = learningRate;
  }

  /** Moves the weights against the gradient. `rate` scales the learning rate. */
  step(weights: Float32Array, gradient: Float32Array, rate: number): void {
    this.#steps += 1;
    const means = this.#means;
    const squares = this.#squares;
    const meanScale = 1 / (1 - MEAN_DECAY ** this.#steps);
    const squareScale = 1 / (1 - SQUARE_DECAY ** this.#steps);
    const size = this.#learningRate * rate * meanScale;
    for (let index = 0; index < weights.length; index += 1) {
      const slope = gradient[index] ?? 0;
      const mean = MEAN_DECAY * (means[index] ?? 0) + (1 - MEAN_DECAY) * slope;
      const square = SQUARE_DECAY * (squares[index] ?? 0) + (1 - SQUARE_DECAY) * slope * slope;
      means[index] = mean;
      squares[index] = square;
      weights[index] =
        (weights[index] ?? 0) - (size * mean) / (Math.sqrt(square * squareScale) + SMALLEST);
    }
  }
}
