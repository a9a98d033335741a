/**
 * Which of several equal scores comes first: the order that the post-processing kernel leaves them in.
 *
 * The kernel sorts with C++'s partial sort, which promises nothing about equal values, yet answers depend on it. This
 * is the binary-heap selection of GNU's C++ library (Williams 1964; holes sink to a leaf before they rise, Floyd
 * 1964), with which LiteRT for Linux is built.
 */

/** Indices of the `count` largest values, largest first; equal ones in the heap's order. */
export function decreasing(values: Float32Array, count: number): readonly number[] {
  if (count === 1) {
    return [argmax(values)];
  }
  const heap = Array.from({ length: count }, (_, index) => index);
  for (let start = (count >> 1) - 1; start >= 0; start--) {
    sink(heap, values, start, count, heap[start]!);
  }
  for (let index = count; index < values.length; index++) {
    if (values[index]! > values[heap[0]!]!) {
      sink(heap, values, 0, count, index);
    }
  }
  for (let last = count - 1; last > 0; last--) {
    const [lowest, smallest] = [heap[last]!, heap[0]!];
    sink(heap, values, 0, last, lowest);
    heap[last] = smallest;
  }
  return heap;
}

/** Index of the first largest value; a NaN in front is never exceeded, any other never exceeds. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if (values[index]! > values[best]!) {
      best = index;
    }
  }
  return best;
}

/**
 * Puts `entry` below `hole`: smaller children move up as far as a leaf, then `entry` rises from there.
 *
 * The smallest value is on top. Of two equal children the right one moves.
 */
function sink(heap: number[], values: Float32Array, start: number, size: number, entry: number): void {
  let hole = start;
  let right = 2 * hole + 2;
  for (; right < size; right = 2 * hole + 2) {
    const child = values[heap[right]!]! > values[heap[right - 1]!]! ? right - 1 : right;
    heap[hole] = heap[child]!;
    hole = child;
  }
  if (right === size) {
    heap[hole] = heap[right - 1]!; // the last parent has a left child only
    hole = right - 1;
  }
  while (hole > start && values[heap[(hole - 1) >> 1]!]! > values[entry]!) {
    heap[hole] = heap[(hole - 1) >> 1]!;
    hole = (hole - 1) >> 1;
  }
  heap[hole] = entry;
}
