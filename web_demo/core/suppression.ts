/** Non-maximum suppression of one list of scores, in float32 as the kernel computes it. */

const { fround } = Math;

/** Corners [N, 4] of (ymin, xmin, ymax, xmax); what depends on them alone is kept from one list to the next. */
export class Suppression {
  readonly #corners: Float32Array;
  readonly #areas: Float32Array;
  readonly #queue: Queue;
  readonly #iou: number;

  /** iou: the overlap above which the lower box goes. */
  constructor(corners: Float32Array, iou: number) {
    this.#corners = corners;
    this.#areas = Float32Array.from({ length: corners.length / 4 }, (_, box) => area(corners, 4 * box));
    this.#queue = new Queue(this.#areas.length);
    this.#iou = fround(iou);
  }

  /** Indices of up to `limit` boxes that survive, best first, equal scores by index; none below `least`, no NaN. */
  survivors(scores: Float32Array, least: number, limit: number): readonly number[] {
    const chosen: number[] = [];
    this.#queue.fill(scores, fround(least));
    while (chosen.length < limit) {
      const next = this.#queue.take();
      if (next === undefined) {
        break;
      }
      if (!this.#isCovered(next, chosen)) {
        chosen.push(next);
      }
    }
    return chosen;
  }

  #isCovered(box: number, better: readonly number[]): boolean {
    for (let place = 0; place < better.length; place++) {
      if (this.#overlap(better[place]!, box) > this.#iou) {
        return true;
      }
    }
    return false;
  }

  /** Intersection over union. A box without area shares none, and what has a NaN gives NaN: neither is above a limit. */
  #overlap(better: number, other: number): number {
    const [corners, areas] = [this.#corners, this.#areas];
    const [a, b] = [4 * better, 4 * other];
    const shared = fround(
      side(corners[a]!, corners[a + 2]!, corners[b]!, corners[b + 2]!) *
        side(corners[a + 1]!, corners[a + 3]!, corners[b + 1]!, corners[b + 3]!),
    );
    return fround(shared / fround(fround(areas[better]! + areas[other]!) - shared));
  }
}

function area(corners: Float32Array, start: number): number {
  const height = fround(corners[start + 2]! - corners[start]!);
  const width = fround(corners[start + 3]! - corners[start + 1]!);
  return height * width;
}

/** Length that two intervals share. */
function side(low: number, high: number, otherLow: number, otherHigh: number): number {
  return Math.max(fround(Math.min(high, otherHigh) - Math.max(low, otherLow)), 0);
}

/** Candidates, best first. A heap, because most are never taken: sorting them all would cost more than the rest. */
class Queue {
  readonly #heap: Uint32Array;
  #size = 0;
  #scores: Float32Array = new Float32Array(0);

  constructor(capacity: number) {
    this.#heap = new Uint32Array(capacity);
  }

  fill(scores: Float32Array, least: number): void {
    this.#scores = scores;
    this.#size = 0;
    for (let index = 0; index < scores.length; index++) {
      if (scores[index]! >= least) {
        this.#heap[this.#size++] = index;
      }
    }
    for (let parent = (this.#size >> 1) - 1; parent >= 0; parent--) {
      this.#sink(parent, this.#heap[parent]!);
    }
  }

  take(): number | undefined {
    if (this.#size === 0) {
      return undefined;
    }
    const first = this.#heap[0]!;
    this.#size -= 1;
    if (this.#size > 0) {
      this.#sink(0, this.#heap[this.#size]!);
    }
    return first;
  }

  #sink(start: number, entry: number): void {
    let hole = start;
    for (let child = 2 * hole + 1; child < this.#size; child = 2 * hole + 1) {
      const right = child + 1;
      const better = right < this.#size && this.#isBefore(this.#heap[right]!, this.#heap[child]!) ? right : child;
      if (!this.#isBefore(this.#heap[better]!, entry)) {
        break;
      }
      this.#heap[hole] = this.#heap[better]!;
      hole = better;
    }
    this.#heap[hole] = entry;
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#scores[a]!, this.#scores[b]!];
    return left > right || (left === right && a < b);
  }
}
