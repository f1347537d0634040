import { type ColumnScaling, type LinearHead, solveHead } from './linear-head.ts';
import { createRandom } from './random.ts';
import type { TrainingSet } from './training-set.ts';
import { addScaled, dot } from './vector-maths.ts';

/**
 * The main directions in which the models of one data file differ from topic to topic, beyond their
 * strengths: some are good at law for their strength, others at sums. A row's position along each is learnt
 * from its text.
 */
export type ScoreComponents = {
  /** Positions of the file's models. */
  readonly models: ReadonlySet<number>;
  /** The rows that teach the components. */
  readonly rows: Int32Array;
  /** How many components there are. */
  readonly width: number;
  /** Each row's position, [rows, width], with a mean of 0 and a deviation of DEVIATION. */
  readonly positions: Float64Array;
};

/** Values chosen by cross-validation on training rows. */
const COMPONENTS = 6;
/** Two models of a row are told apart by their strengths alone. */
const FEWEST_MODELS = 3;
const FEWEST_ROWS = 50;
/** Weight of all rows' mean in a kind's own, as a number of rows. */
const KIND_INERTIA = 12;
/** How far a row's scores are moved to its kind's mean, since a single grade is nearly all noise. */
const KIND_SHARE = 0.7;
/** Similar to the deviation of the other numbers of a prompt, so that the ridge constrains them as much. */
const DEVIATION = 0.4;
const HEAD = { ridge: 8, iterations: 15 };
const POWER_ROUNDS = 200;

/** Returns the components of each file whose rows have enough models. */
export function findComponents(set: TrainingSet, seed: number): ScoreComponents[] {
  return Array.from({ length: set.fileCount }, (_, file) => file).flatMap((file) => {
    const rows = set.trainRows.filter(
      (row) => set.files[row] === file && (set.targets[row]?.length ?? 0) >= FEWEST_MODELS,
    );
    if (rows.length < FEWEST_ROWS) return [];
    const components = componentsOf(set, rows, seed);
    return components.width > 0 ? [components] : [];
  });
}

/** Learns the components' head from some of their rows. */
export function solveComponents(
  { embedded, weights }: TrainingSet,
  scaling: ColumnScaling,
  { width, positions }: ScoreComponents,
  rows: Int32Array,
): LinearHead {
  const target = { width, moment: positions };
  return solveHead({ embedded, scaling, target, weights, rows, ...HEAD });
}

function componentsOf(set: TrainingSet, rows: Int32Array, seed: number): ScoreComponents {
  const scores = new CentredScores(set, rows);
  // The means of n kinds of n or more models lie on n - 1 directions.
  const count = Math.min(COMPONENTS, scores.models.length - 1, scores.kindCount - 1);
  const directions = topDirections(scores.kindCovariance(), count, seed);
  const width = directions.length;
  const positions = new Float64Array(set.rows.length * width);
  for (const row of rows) {
    const own = scores.smoothed(row);
    for (const [index, direction] of directions.entries()) {
      positions[row * width + index] = dot(own, direction);
    }
  }
  for (let index = 0; index < width; index += 1) scale(positions, rows, { width, index });
  return { models: new Set(scores.models), rows, width, positions };
}

type KindMean = { readonly sums: Float64Array; readonly counts: Float64Array; rows: number };

/** Rows' scores minus each row's mean, since a row may be easy for all of its models. */
class CentredScores {
  readonly models: readonly number[];
  readonly #set: TrainingSet;
  readonly #placeOf: ReadonlyMap<number, number>;
  readonly #all: KindMean;
  readonly #kinds = new Map<number, KindMean>();

  constructor(set: TrainingSet, rows: Int32Array) {
    this.#set = set;
    const known = new Set([...rows].flatMap((row) => set.targets[row]?.map(({ model }) => model)));
    this.models = [...known].filter((model) => model !== undefined).sort((a, b) => a - b);
    this.#placeOf = new Map(this.models.map((model, place) => [model, place]));
    this.#all = this.#createMean();
    for (const row of rows) {
      const kind = set.kinds[row] ?? 0;
      const mean = this.#kinds.get(kind) ?? this.#createMean();
      this.#kinds.set(kind, mean);
      for (const sum of [mean, this.#all]) this.#addRow(sum, row);
    }
  }

  get kindCount(): number {
    return this.#kinds.size;
  }

  /** Returns how the kinds' means vary together, [models][models], each kind weighted by its rows. */
  kindCovariance(): Float64Array[] {
    const covariance = this.models.map(() => new Float64Array(this.models.length));
    for (const kind of this.#kinds.values()) {
      const own = this.#deviationOf(kind);
      for (const [place, line] of covariance.entries()) {
        addScaled(line, own, kind.rows * (own[place] ?? 0));
      }
    }
    return covariance;
  }

  /** Returns a row's scores minus all rows' means, moved to its kind; 0 for models that did not answer. */
  smoothed(row: number): Float64Array {
    const kind = this.#deviationOf(
      this.#kinds.get(this.#set.kinds[row] ?? 0) ?? this.#createMean(),
    );
    const smoothed = new Float64Array(this.models.length);
    for (const [place, score] of this.#centred(row)) {
      const own = score - meanAt(this.#all, place);
      smoothed[place] = (1 - KIND_SHARE) * own + KIND_SHARE * (kind[place] ?? 0);
    }
    return smoothed;
  }

  /** Returns a kind's means minus those of all rows, shrunk to 0. */
  #deviationOf({ sums, counts }: KindMean): Float64Array {
    return sums.map((sum, place) => {
      const count = counts[place] ?? 0;
      return (sum - count * meanAt(this.#all, place)) / (count + KIND_INERTIA);
    });
  }

  #centred(row: number): (readonly [place: number, score: number])[] {
    const targets = this.#set.targets[row] ?? [];
    const mean = targets.reduce((sum, { score }) => sum + score, 0) / targets.length;
    return targets.map(({ model, score }) => [this.#placeOf.get(model) ?? 0, score - mean]);
  }

  #addRow(kind: KindMean, row: number): void {
    kind.rows += 1;
    for (const [place, score] of this.#centred(row)) {
      kind.sums[place] = (kind.sums[place] ?? 0) + score;
      kind.counts[place] = (kind.counts[place] ?? 0) + 1;
    }
  }

  #createMean(): KindMean {
    const size = this.models.length;
    return { sums: new Float64Array(size), counts: new Float64Array(size), rows: 0 };
  }
}

function meanAt({ sums, counts }: KindMean, place: number): number {
  return (sums[place] ?? 0) / Math.max(1, counts[place] ?? 0);
}

/**
 * Returns the main directions of a covariance as unit vectors, by orthogonal iteration (Golub and Van Loan,
 * 8.2.4).
 */
function topDirections(
  covariance: readonly Float64Array[],
  count: number,
  seed: number,
): Float64Array[] {
  const random = createRandom(seed);
  let directions: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from(covariance, () => random() - 0.5),
  );
  for (let round = 0; round < POWER_ROUNDS; round += 1) {
    directions = orthonormalise(
      directions.map((direction) => Float64Array.from(covariance, (line) => dot(line, direction))),
    );
  }
  return directions;
}

/** The Gram-Schmidt process. A vector without a direction of its own becomes 0. */
function orthonormalise(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const own = vector.slice();
    for (const earlier of done) addScaled(own, earlier, -dot(own, earlier));
    const norm = Math.sqrt(dot(own, own));
    done.push(norm > 0 ? own.map((value) => value / norm) : own);
  }
  return done;
}

function scale(
  positions: Float64Array,
  rows: Int32Array,
  { width, index }: { readonly width: number; readonly index: number },
): void {
  const squares = rows.reduce((sum, row) => sum + (positions[row * width + index] ?? 0) ** 2, 0);
  const deviation = Math.sqrt(squares / rows.length);
  if (deviation === 0) return;
  for (const row of rows) {
    const at = row * width + index;
    positions[at] = ((positions[at] ?? 0) * DEVIATION) / deviation;
  }
}
