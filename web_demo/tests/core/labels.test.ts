import { expect, test } from "vitest";
import { labelOf, parseLabels } from "../../core/labels";
import { cases } from "./golden";

interface LabelCase {
  readonly text: string;
  readonly labels?: readonly string[];
  readonly says: string;
}

test.each(cases<LabelCase>("labels.json"))("$text", ({ text, labels, says }) => {
  if (labels) {
    expect(parseLabels(text, labels.length)).toEqual(labels);
  } else {
    const lines = text.split("\n").length - 1;
    expect(() => parseLabels(text, lines)).toThrow(says);
  }
});

test.each([
  ["", 1, "has 0 labels, the model has 1"],
  ["a\nb\n", 3, "has 2 labels, the model has 3"],
  ["a\nb\n", 1, "has 2 labels, the model has 1"],
  ["a\n".repeat(65_537), 65_537, "has 65537 labels"],
])("a wrong number of labels, case %#", (text, classes, message) => {
  expect(() => parseLabels(text, classes)).toThrow(message);
});

test("a class without a label is called by its number", () => {
  expect([0, 1, 2, -1].map((index) => labelOf(["cola", "tea"], index))).toEqual(["cola", "tea", "2", "-1"]);
});
