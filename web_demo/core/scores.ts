/** Class scores of all anchors, the activation applied where a score is asked for. */

import type { Activation } from "./manifest";

/** Scores [N, columns] before their activation; those of the classes are the last `numClasses` columns. */
export class Scores {
  readonly anchors: number;
  readonly numClasses: number;
  readonly #values: Float32Array;
  readonly #columns: number;
  readonly #activation: Activation;
  readonly #row: Float32Array;

  constructor(values: Float32Array, columns: number, numClasses: number, activation: Activation) {
    this.anchors = values.length / columns;
    this.numClasses = numClasses;
    this.#values = values;
    this.#columns = columns;
    this.#activation = activation;
    this.#row = new Float32Array(columns);
  }

  /** Scores of an anchor's classes; the next call overwrites them. */
  row(anchor: number): Float32Array {
    const start = anchor * this.#columns;
    activateRow(this.#values, start, this.#activation, this.#row);
    return this.#row.subarray(this.#columns - this.numClasses);
  }

  /**
   * Highest score of an anchor's classes, by the highest value, as no activation falls; NaN where any is NaN.
   *
   * In double: who stores it in a Float32Array rounds it as the others are.
   */
  best(anchor: number): number {
    const start = anchor * this.#columns;
    const end = start + this.#columns;
    const found = highest(this.#values, end - this.numClasses, end);
    if (this.#activation === "softmax") {
      const top = highest(this.#values, start, end);
      return Math.exp(found - top) / powers(this.#values, start, end, top);
    }
    return this.#activation === "sigmoid" ? sigmoid(found) : found;
  }

  /** The same with the activation applied to all: for those who look at every score. */
  activated(): Scores {
    return new Scores(activate(this.#values, this.#columns, this.#activation), this.#columns, this.numClasses, "none");
  }

  /** Fills `column` with the scores of a class above `floor`, and with NaN elsewhere. Needs activated scores. */
  fillColumn(index: number, floor: number, column: Float32Array): void {
    let place = this.#columns - this.numClasses + index;
    for (let anchor = 0; anchor < this.anchors; anchor++, place += this.#columns) {
      const score = this.#values[place]!;
      column[anchor] = score > floor ? score : Number.NaN;
    }
  }
}

/** Scores after their activation, softmax over rows of `columns`; in double, rounded to float32. */
export function activate(scores: Float32Array, columns: number, activation: Activation): Float32Array {
  if (activation === "none") {
    return scores;
  }
  const result = new Float32Array(scores.length);
  for (let start = 0; start < scores.length; start += columns) {
    activateRow(scores, start, activation, result.subarray(start, start + columns));
  }
  return result;
}

function activateRow(scores: Float32Array, start: number, activation: Activation, row: Float32Array): void {
  if (activation === "softmax") {
    softmax(scores, start, row);
    return;
  }
  for (let place = 0; place < row.length; place++) {
    const score = scores[start + place]!;
    row[place] = activation === "sigmoid" ? sigmoid(score) : score;
  }
}

function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

function softmax(scores: Float32Array, start: number, row: Float32Array): void {
  const end = start + row.length;
  const top = highest(scores, start, end);
  const sum = powers(scores, start, end, top);
  for (let place = 0; place < row.length; place++) {
    row[place] = Math.exp(scores[start + place]! - top) / sum;
  }
}

function powers(scores: Float32Array, start: number, end: number, top: number): number {
  let sum = 0;
  for (let place = start; place < end; place++) {
    sum += Math.exp(scores[place]! - top);
  }
  return sum;
}

function highest(values: Float32Array, start: number, end: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let place = start; place < end; place++) {
    const value = values[place]!;
    if (value > best) {
      best = value;
    } else if (Number.isNaN(value)) {
      return Number.NaN;
    }
  }
  return best;
}
