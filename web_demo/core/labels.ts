/** The labels file of a model: line i, from 0, names class i. docs/formats/manifest.md and labels.md. */

import { ModelError } from "./errors";

const MAX_LABELS = 65_536;
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u; // no screen shows them, and they break lines and formats
const AROUND = /^\p{White_Space}+|\p{White_Space}+$/gu; // trim() would also take U+FEFF

/** One label a class. Nothing is recognised, numbered or dropped; the last line may lack its end. */
export function parseLabels(text: string, numClasses: number): readonly string[] {
  const lines = text
    .replace(/^\uFEFF/, "")
    .replace(/\r\n?/g, "\n")
    .split("\n");
  const labels = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  if (labels.length !== numClasses || labels.length > MAX_LABELS) {
    throw new ModelError(
      `The label file has ${labels.length} labels, the model has ${numClasses} classes. ` +
        "It was edited or belongs to another model. Convert the model again.",
    );
  }
  return labels.map(checked);
}

/** Name of a class; its number where there is no label. */
export function labelOf(labels: readonly string[], index: number): string {
  return labels[index] ?? String(index);
}

function checked(line: string, index: number): string {
  const label = line.replace(AROUND, "");
  if (label === "") {
    throw new ModelError(`Label ${index + 1} is empty, and every line counts as a class. Write ??? for an unused one.`);
  }
  const forbidden = FORBIDDEN.exec(line);
  if (forbidden !== null) {
    const code = forbidden[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    throw new ModelError(`Label ${index + 1} has the control character U+${code}. Remove it.`);
  }
  return label;
}
