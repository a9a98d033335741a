/** From a model's tensors to its answer; docs/formats/decoding.md is the specification. */

import { ModelError } from "./errors";
import type { FinalHead, Manifest, RawHead, Selection } from "./manifest";
import { decodeBoxes, type Rows, select } from "./postprocess";
import { activate, Scores } from "./scores";

/** An output tensor in real numbers. */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Output tensors by the names of the manifest's head. */
export type Outputs = ReadonlyMap<string, Tensor>;

/**
 * Boxes found in a picture, best first.
 *
 * boxes: [n, 4] of (xmin, ymin, xmax, ymax), the picture being [0, 1]; they may reach beyond it.
 * classes: from 0, without background.
 */
export interface Detections {
  readonly kind: "detections";
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  readonly classes: Int32Array;
}

/** Classes of a picture, best first. */
export interface Classification {
  readonly kind: "classification";
  readonly classes: Int32Array;
  readonly scores: Float32Array;
}

type Model = Pick<Manifest, "name" | "head" | "selection" | "num_classes">;

/**
 * What the model says, from its output tensors.
 *
 * anchors: [N, 4], needed by a raw head; null otherwise. Throws ModelError where a tensor is missing or does not fit.
 */
export function answer(model: Model, outputs: Outputs, anchors: Float32Array | null): Detections | Classification {
  const { head, selection } = model;
  if (head.kind === "class") {
    const { data } = tensor(outputs, head.scores);
    return classification(activate(data, data.length, head.activation));
  }
  if (selection === null) {
    throw new ModelError(`${model.name} is a detector without a selection. Convert it again.`);
  }
  const rows = head.kind === "final" ? finalRows(head, outputs) : rawRows(model, head, selection, outputs, anchors);
  const columns = selection.regular ? 1 : selection.max_classes_per_detection;
  return detections(rows, columns, model.num_classes);
}

/** The outputs of a final head by name, given in the order of the file. */
export function byOrder(head: FinalHead, tensors: readonly Tensor[]): Outputs {
  const names = [head.boxes, head.classes, head.scores, head.count];
  if (tensors.length !== names.length) {
    throw new ModelError(`The model gave ${tensors.length} outputs, not ${names.length}. It is not the manifest's.`);
  }
  return new Map(names.map((name, index) => [name, tensors[head.order[index]!]!]));
}

/** The detections with at least this score. */
export function above(found: Detections, score: number): Detections {
  const least = Math.fround(score);
  const kept = found.scores.findIndex((value) => !(value >= least));
  const end = kept === -1 ? found.scores.length : kept;
  return {
    kind: "detections",
    boxes: found.boxes.subarray(0, 4 * end),
    scores: found.scores.subarray(0, end),
    classes: found.classes.subarray(0, end),
  };
}

/** The rows of the operator that mean something, best first. columns: rows that a box takes. */
function detections(rows: Rows, columns: number, numClasses: number): Detections {
  const end = Math.min(rows.found * columns, rows.scores.length);
  const used: number[] = [];
  for (let row = 0; row < end; row++) {
    // the kernel leaves a gap where there are fewer classes than columns
    if (row % columns < numClasses) {
      used.push(row);
    }
  }
  used.sort(byDecreasing(rows.scores));
  const boxes = new Float32Array(4 * used.length);
  for (const [place, row] of used.entries()) {
    const [ymin, xmin, ymax, xmax] = rows.boxes.subarray(4 * row, 4 * row + 4);
    boxes.set([xmin!, ymin!, xmax!, ymax!], 4 * place);
  }
  return {
    kind: "detections",
    boxes,
    scores: Float32Array.from(used, (row) => rows.scores[row]!),
    classes: Int32Array.from(used, (row) => rows.classes[row]!),
  };
}

function classification(scores: Float32Array): Classification {
  const order = Int32Array.from(scores.keys()).sort(byDecreasing(scores));
  return { kind: "classification", classes: order, scores: Float32Array.from(order, (index) => scores[index]!) };
}

function byDecreasing(values: Float32Array): (a: number, b: number) => number {
  return (a, b) => {
    const [left, right] = [values[a]!, values[b]!];
    if (Number.isNaN(left) || Number.isNaN(right)) {
      return Number(Number.isNaN(left)) - Number(Number.isNaN(right)); // NaN comes last
    }
    return left === right ? 0 : right - left;
  };
}

function finalRows(head: FinalHead, outputs: Outputs): Rows {
  const scores = tensor(outputs, head.scores).data;
  const classes = tensor(outputs, head.classes).data;
  const boxes = tensor(outputs, head.boxes).data;
  const count = tensor(outputs, head.count).data;
  const fits = classes.length === scores.length && boxes.length === 4 * scores.length;
  if (!fits || count.length !== 1 || !Number.isFinite(count[0])) {
    throw new ModelError(
      `The detections have ${boxes.length / 4} boxes, ${classes.length} classes, ${scores.length} scores and the count ` +
        `${Array.from(count).join(", ")}. Expected as many of each, and one number: the outputs are in another order.`,
    );
  }
  return { boxes, classes, scores, found: Math.trunc(count[0]!) };
}

function rawRows(
  model: Model,
  head: RawHead,
  selection: Selection,
  outputs: Outputs,
  anchors: Float32Array | null,
): Rows {
  if (anchors === null) {
    throw new ModelError(`${model.name} has a raw head and no anchors. Put ${head.anchors} beside the model.`);
  }
  const [boxes, scores] = [tensor(outputs, head.boxes), tensor(outputs, head.scores)];
  const [width, columns] = [boxes.shape.at(-1) ?? 0, scores.shape.at(-1) ?? 0];
  const count = anchors.length / 4;
  const classes = model.num_classes;
  const fits = width >= 4 && boxes.data.length === count * width && scores.data.length === count * columns;
  if (!fits || (columns !== classes && columns !== classes + 1)) {
    throw new ModelError(
      `Post-processing cannot use boxes [${boxes.shape}], scores [${scores.shape}] and ${count} anchors for ${classes} ` +
        "classes. Expected boxes [1, N, 4], scores [1, N, classes] or [1, N, classes + 1] and N anchors.",
    );
  }
  const corners = decodeBoxes(boxes.data, width, anchors, head.box_coder);
  return select(corners, new Scores(scores.data, columns, classes, head.activation), selection);
}

function tensor(outputs: Outputs, name: string): Tensor {
  const found = outputs.get(name);
  if (found === undefined) {
    throw new ModelError(`The model gave no tensor ${name}. It gave ${[...outputs.keys()].join(", ") || "none"}.`);
  }
  return found;
}
