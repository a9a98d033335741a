/**
 * Decode, suppress and select as the operator TFLite_Detection_PostProcess does: same arithmetic, same order of equal
 * scores, same meaning of the count. docs/formats/decoding.md is the specification.
 */

import { ModelError } from "./errors";
import type { Selection } from "./manifest";
import { decreasing } from "./partialSort";
import type { Scores } from "./scores";
import { Suppression } from "./suppression";

const { fround } = Math;

/**
 * Outputs of the operator without their batch dimension, zeros where the kernel writes nothing.
 *
 * boxes: [rows, 4] of (ymin, xmin, ymax, xmax). found: boxes; each takes max_classes_per_detection rows unless the
 * suppression is regular.
 */
export interface Rows {
  readonly boxes: Float32Array;
  readonly classes: Float32Array;
  readonly scores: Float32Array;
  readonly found: number;
}

/** Corners [N, 4] of (ymin, xmin, ymax, xmax) become rows. Throws ModelError where a box is inside out. */
export function select(corners: Float32Array, scores: Scores, selection: Selection): Rows {
  checkCorners(corners);
  return selection.regular ? regular(corners, scores.activated(), selection) : fast(corners, scores, selection);
}

/**
 * Corners [N, 4] of encoded boxes [N, width] of (ty, tx, th, tw, …); may reach beyond the picture's [0, 1].
 *
 * anchors: [N, 4] of (y centre, x centre, height, width).
 */
export function decodeBoxes(
  boxes: Float32Array,
  width: number,
  anchors: Float32Array,
  boxCoder: readonly number[],
): Float32Array {
  const [sy, sx, sh, sw] = boxCoder.map(fround) as [number, number, number, number];
  const corners = new Float32Array(anchors.length);
  for (let anchor = 0, box = 0; anchor < anchors.length; anchor += 4, box += width) {
    const [height, breadth] = [anchors[anchor + 2]!, anchors[anchor + 3]!];
    const y = fround((boxes[box]! / sy) * height + anchors[anchor]!);
    const x = fround((boxes[box + 1]! / sx) * breadth + anchors[anchor + 1]!);
    const halfHeight = fround(0.5 * Math.exp(boxes[box + 2]! / sh) * height);
    const halfWidth = fround(0.5 * Math.exp(boxes[box + 3]! / sw) * breadth);
    corners[anchor] = y - halfHeight;
    corners[anchor + 1] = x - halfWidth;
    corners[anchor + 2] = y + halfHeight;
    corners[anchor + 3] = x + halfWidth;
  }
  return corners;
}

function checkCorners(corners: Float32Array): void {
  for (let box = 0; box < corners.length; box += 4) {
    if (corners[box]! > corners[box + 2]! || corners[box + 1]! > corners[box + 3]!) {
      throw new ModelError(
        `The box of anchor ${box / 4} has ymin > ymax or xmin > xmax: the anchor has a negative height or width. ` +
          "Give anchors as rows of (y centre, x centre, height, width).",
      );
    }
  }
}

/** One suppression over the best class of each box. */
function fast(corners: Float32Array, scores: Scores, selection: Selection): Rows {
  const columns = Math.min(selection.max_classes_per_detection, scores.numClasses);
  const best = new Float32Array(scores.anchors);
  for (let anchor = 0; anchor < best.length; anchor++) {
    best[anchor] = bestOf(scores, anchor, columns);
  }
  const suppression = new Suppression(corners, selection.iou);
  const chosen = suppression.survivors(best, selection.score, selection.max_detections);
  const rows = empty(selection);
  for (const [place, anchor] of chosen.entries()) {
    const row = scores.row(anchor);
    for (const [column, index] of decreasing(row, columns).entries()) {
      write(rows, place * selection.max_classes_per_detection + column, corners, anchor, index, row[index]!);
    }
  }
  return { ...rows, found: chosen.length };
}

/** The score that a box takes part with; among NaNs, the one that the kernel's sort leaves in front. */
function bestOf(scores: Scores, anchor: number, columns: number): number {
  const best = scores.best(anchor);
  if (!Number.isNaN(best)) {
    return best;
  }
  const row = scores.row(anchor);
  return row[decreasing(row, columns)[0]!]!;
}

/**
 * One suppression a class; after each class only the best max_detections so far stay.
 *
 * Of equal scores that of the lower class comes first.
 */
function regular(corners: Float32Array, scores: Scores, selection: Selection): Rows {
  const limit = Math.min(selection.detections_per_class, selection.max_detections);
  const suppression = new Suppression(corners, selection.iou);
  const column = new Float32Array(scores.anchors);
  let best: readonly { readonly anchor: number; readonly index: number; readonly score: number }[] = [];
  for (let index = 0; index < scores.numClasses; index++) {
    // Once the list is full, only a higher score than its last gets in: nothing lower need be suppressed.
    const floor = best.length === selection.max_detections ? best.at(-1)!.score : Number.NEGATIVE_INFINITY;
    scores.fillColumn(index, floor, column);
    const chosen = suppression.survivors(column, selection.score, limit);
    if (chosen.length > 0) {
      const added = chosen.map((anchor) => ({ anchor, index, score: column[anchor]! }));
      best = [...best, ...added].sort((a, b) => b.score - a.score).slice(0, selection.max_detections);
    }
  }
  const rows = empty(selection);
  for (const [place, { anchor, index, score }] of best.entries()) {
    write(rows, place, corners, anchor, index, score);
  }
  return { ...rows, found: best.length };
}

function empty(selection: Selection): Rows {
  const rows = selection.max_detections * selection.max_classes_per_detection;
  const [boxes, classes, scores] = [4 * rows, rows, rows].map((length) => new Float32Array(length));
  return { boxes: boxes!, classes: classes!, scores: scores!, found: 0 };
}

function write(rows: Rows, place: number, corners: Float32Array, anchor: number, index: number, score: number): void {
  rows.boxes.set(corners.subarray(4 * anchor, 4 * anchor + 4), 4 * place);
  rows.classes[place] = index;
  rows.scores[place] = score;
}
