import { describe, expect, test } from "vitest";
import { above, answer, byOrder, type Tensor } from "../../core/decode";
import { ModelError } from "../../core/errors";
import type { Activation, FinalHead, RawHead, Selection } from "../../core/manifest";
import { decodeBoxes, select } from "../../core/postprocess";
import { activate, Scores } from "../../core/scores";
import { cases, type DetectionsData, expectClose, expectSame, tensor } from "./golden";

interface DecodeCase {
  readonly num_classes: number;
  readonly background: boolean;
  readonly activation: Activation;
  readonly box_coder: readonly number[];
  readonly selection: Selection;
  readonly boxes: number[][];
  readonly scores: number[][];
  readonly anchors: number[][];
  readonly rows: { boxes: number[][]; classes: number[]; scores: number[]; count: number };
  readonly detections: DetectionsData;
}

interface FinalCase {
  readonly head: FinalHead;
  readonly selection: Selection;
  readonly num_classes: number;
  readonly outputs: readonly unknown[];
  readonly detections: DetectionsData;
}

interface ClassCase {
  readonly activation: Activation;
  readonly outputs: number[];
  readonly classes: number[];
  readonly scores: number[];
}

const RAW: RawHead = {
  kind: "raw",
  boxes: "boxes",
  scores: "scores",
  anchors: "anchors.f32",
  box_coder: [10, 10, 5, 5],
  activation: "none",
  background: true,
};
const FINAL: FinalHead = {
  kind: "final",
  boxes: "boxes",
  classes: "classes",
  scores: "scores",
  count: "count",
  order: [0, 1, 2, 3],
};
const SELECTION: Selection = {
  score: 1e-8,
  iou: 0.6,
  max_detections: 10,
  max_classes_per_detection: 1,
  detections_per_class: 100,
  regular: false,
};

describe.each(cases<DecodeCase>("decode.json"))("raw head, $activation, regular: $selection.regular", (raw) => {
  const anchors = tensor(raw.anchors).data;

  test("rows are those of the operator", () => {
    const scores = tensor(raw.scores);
    const table = new Scores(scores.data, scores.shape[1]!, raw.num_classes, raw.activation);
    const corners = decodeBoxes(tensor(raw.boxes).data, 4, anchors, raw.box_coder);
    const rows = select(corners, table, raw.selection);
    expect(rows.found).toBe(raw.rows.count);
    expect([...rows.classes]).toEqual(raw.rows.classes);
    expectClose(rows.scores, raw.rows.scores);
    expectClose(rows.boxes, raw.rows.boxes.flat());
  });

  test("detections are those of Python, keypoints beside the boxes or not", () => {
    const head: RawHead = { ...RAW, box_coder: raw.box_coder, activation: raw.activation, background: raw.background };
    const model = { name: "golden", head, selection: raw.selection, num_classes: raw.num_classes };
    for (const width of [4, 6]) {
      const boxes = raw.boxes.map((box) => [...box, 7, 7].slice(0, width));
      const outputs = new Map([
        ["boxes", tensor([boxes])],
        ["scores", tensor([raw.scores])],
      ]);
      const found = answer(model, outputs, anchors);
      expect(found.kind).toBe("detections");
      expectSame(found as Extract<typeof found, { kind: "detections" }>, raw.detections);
    }
  });
});

test.each(cases<FinalCase>("final.json"))("final head in order $head.order", (final) => {
  const model = { name: "golden", head: final.head, selection: final.selection, num_classes: final.num_classes };
  const found = answer(model, byOrder(final.head, final.outputs.map(tensor)), null);
  expectSame(found as Extract<typeof found, { kind: "detections" }>, final.detections);
});

test.each(cases<ClassCase>("classes.json"))("class head, $activation", (wanted) => {
  const head = { kind: "class", scores: "probability", activation: wanted.activation } as const;
  const model = { name: "golden", head, selection: null, num_classes: wanted.outputs.length };
  const found = answer(model, new Map([["probability", tensor([wanted.outputs])]]), null);
  expect(found.kind).toBe("classification");
  expect([...found.classes]).toEqual(wanted.classes);
  expectClose(found.scores, wanted.scores);
});

test("activations do not overflow", () => {
  const logits = Float32Array.of(-1e4, 1e4, 0);
  expect([...activate(logits, 3, "sigmoid")]).toEqual([0, 1, 0.5]);
  expect([...activate(logits, 3, "softmax")]).toEqual([0, 1, 0]);
});

test("detections above a score are compared in float32", () => {
  const outputs = rows(
    [
      [0, 0, 1, 1],
      [0, 0, 1, 1],
    ],
    [0, 1],
    [0.9, 0.3],
    2,
  );
  const found = answer({ name: "m", head: FINAL, selection: SELECTION, num_classes: 2 }, outputs, null);
  const kept = [0.95, 0.9, 0.3, 0].map((score) => above(found as never, score));
  expect(kept.map(({ scores }) => scores.length)).toEqual([0, 1, 2, 2]);
  expect(kept.map(({ boxes }) => boxes.length)).toEqual([0, 4, 8, 8]);
});

describe("NaN", () => {
  const anchors = Float32Array.from({ length: 4 * 3 }, (_, place) => (place % 4 < 2 ? 0.5 : 1));
  const best = (boxes: number[][], scores: number[][], columns: number) => {
    const selection = { ...SELECTION, max_classes_per_detection: columns };
    const outputs = new Map([
      ["boxes", tensor([boxes])],
      ["scores", tensor([scores])],
    ]);
    return answer({ name: "m", head: RAW, selection, num_classes: 2 }, outputs, anchors);
  };
  const apart = [0, 30, 60].map((x) => [0, x, 0, 0]);

  test("a score that is none comes last", () => {
    const scores = [
      [0.9, Number.NaN],
      [0.8, 0.1],
      [Number.NaN, Number.NaN],
    ];
    const found = best(apart, scores, 2);
    expect([...found.scores]).toEqual([0.9, 0.8, 0.1].map(Math.fround).concat(Number.NaN));
    expect([...found.classes]).toEqual([0, 0, 1, 1]);
  });

  test("the best class alone: one in front is never exceeded, any other never exceeds", () => {
    const scores = [
      [Number.NaN, 0.9],
      [0.8, Number.NaN],
      [0.7, 0.6],
    ];
    expect([...best(apart, scores, 1).scores]).toEqual([0.8, 0.7].map(Math.fround));
  });

  test("a box with one suppresses nothing", () => {
    const boxes = [
      [Number.NaN, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ];
    const scores = [0.9, 0.8, 0.7].map((score) => [score, 0]);
    expect([...best(boxes, scores, 1).scores]).toEqual([0.9, 0.8].map(Math.fround));
  });
});

function rows(boxes: number[][], classes: number[], scores: number[], count: number): ReadonlyMap<string, Tensor> {
  return new Map([
    ["boxes", tensor([boxes])],
    ["classes", tensor([classes])],
    ["scores", tensor([scores])],
    ["count", tensor([count])],
  ]);
}

const ONE = new Float32Array(4);
const raw = (boxes: number, width: number, columns: number) =>
  new Map([
    ["boxes", { data: new Float32Array(boxes * width), shape: [1, boxes, width] }],
    ["scores", { data: new Float32Array(boxes * columns), shape: [1, boxes, columns] }],
  ]);

test.each([
  {
    what: "a tensor is missing",
    head: FINAL,
    outputs: new Map(),
    anchors: null,
    says: "no tensor scores. It gave none",
  },
  { what: "anchors are missing", head: RAW, outputs: raw(1, 4, 4), anchors: null, says: "Put anchors.f32 beside" },
  {
    what: "fewer anchors",
    head: RAW,
    outputs: raw(2, 4, 4),
    anchors: ONE,
    says: "boxes [1,2,4], scores [1,2,4] and 1",
  },
  { what: "narrow boxes", head: RAW, outputs: raw(1, 3, 4), anchors: ONE, says: "boxes [1,1,3]" },
  { what: "other classes", head: RAW, outputs: raw(1, 4, 5), anchors: ONE, says: "for 3 classes" },
  {
    what: "rows that differ",
    head: FINAL,
    outputs: rows([[0, 0, 1, 1]], [0], [1, 1], 1),
    anchors: null,
    says: "2 scores",
  },
  {
    what: "no count",
    head: FINAL,
    outputs: rows([[0, 0, 1, 1]], [0], [1], Number.NaN),
    anchors: null,
    says: "count NaN",
  },
])("$what", ({ head, outputs, anchors, says }) => {
  const model = { name: "model", head, selection: SELECTION, num_classes: 3 };
  expect(() => answer(model, outputs, anchors)).toThrow(says);
  expect(() => answer(model, outputs, anchors)).toThrow(ModelError);
});

test.each([2, 3])("a box that is inside out is refused as the kernel does (side %i)", (side) => {
  const anchors = Float32Array.from({ length: 5 * 4 }, () => 0.5);
  anchors[4 * 4 + side] = -0.1;
  const model = { name: "model", head: RAW, selection: SELECTION, num_classes: 3 };
  expect(() => answer(model, raw(5, 4, 4), anchors)).toThrow("anchor 4");
});

test("a file that does not have four outputs is not the manifest's", () => {
  expect(() => byOrder(FINAL, [tensor([1])])).toThrow("1 outputs");
});
