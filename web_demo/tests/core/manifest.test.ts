import { describe, expect, test } from "vitest";
import { ModelError, NewerVersionError } from "../../core/errors";
import { parseLabels } from "../../core/labels";
import { ManifestError, parseAnchors, parseManifest } from "../../core/manifest";
import { cases } from "./golden";

type Way = readonly (string | number)[];

interface ManifestCase {
  readonly manifest: Readonly<Record<string, unknown>> & { readonly recipe: string };
  readonly labels: string;
  readonly values: readonly unknown[];
  readonly changes: readonly (readonly [Way, string])[];
  readonly wrong: readonly { way: Way; value: unknown; field: string; says: string }[];
}

const CASES = cases<ManifestCase>("manifest.json");

/** A copy with another value in one place, or without it. */
function changed(data: unknown, way: Way, value: unknown): unknown {
  const copy = structuredClone(data);
  const last = way.at(-1)!;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the file holds
  const parent = way.slice(0, -1).reduce((inside: any, key) => inside[key], copy as any);
  if (isMissing(value)) {
    delete parent[last];
  } else {
    parent[last] = value;
  }
  return copy;
}

function isMissing(value: unknown): boolean {
  return JSON.stringify(value) === '{"missing":true}';
}

function read(data: unknown, labels: string): void {
  const manifest = parseManifest(JSON.stringify(data));
  if (manifest.labels !== null) {
    parseLabels(labels, manifest.num_classes);
  }
}

function refusal(data: unknown, labels: string): ModelError | undefined {
  try {
    read(data, labels);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return error as ModelError;
  }
  return undefined;
}

describe.each(CASES)("$manifest.task $manifest.recipe", ({ manifest, labels, values, changes, wrong }) => {
  test("is read as it stands", () => {
    const found = parseManifest(JSON.stringify(manifest));
    const asData = { ...found, groups: Object.fromEntries(found.groups), tools: Object.fromEntries(found.tools) };
    expect(asData).toEqual(manifest);
  });

  test("any other value anywhere is taken or refused as Python does", () => {
    const found = changes.map(([way]) => {
      const fitting = values.filter((value) => !(isMissing(value) && typeof way.at(-1) === "number"));
      return [way, fitting.map((value) => (refusal(changed(manifest, way, value), labels) ? "x" : ".")).join("")];
    });
    expect(found).toEqual(changes);
  });

  test.each(wrong)("$way = $value is refused", ({ way, value, field, says }) => {
    const error = refusal(changed(manifest, way, value), labels);
    expect(error).toBeInstanceOf(ManifestError);
    expect((error as ManifestError).field).toBe(field);
    expect(error?.message).toContain(says);
  });
});

const BASE = CASES[0]!.manifest;

test("unknown keys are ignored and absent optional ones have their meaning", () => {
  const { display, label_offset, licence, assumptions, tools, key, groups, ...required } = BASE;
  const found = parseManifest(JSON.stringify({ ...required, later: { a: 1 } }));
  expect(found).not.toHaveProperty("later");
  expect(found).toMatchObject({ display: { score: 0.5 }, label_offset: 0, licence: "", assumptions: [], key: "" });
  expect([found.groups.size, found.tools.size]).toEqual([0, 0]);
});

test("names that JavaScript's objects have of their own are names like any other", () => {
  const text = JSON.stringify(BASE).replace('"empty"', '"__proto__"');
  expect([...parseManifest(text).groups.keys()]).toContain("__proto__");
  expect(() => parseManifest(text.replace('"num_classes"', '"__proto__"'))).toThrow("num_classes: missing");
});

test.each([2, 17])("version %i needs a newer app, whatever else is in it", (edgekit) => {
  expect(() => parseManifest(JSON.stringify({ edgekit }))).toThrow(NewerVersionError);
  expect(() => parseManifest(JSON.stringify({ ...BASE, edgekit }))).toThrow(`has version ${edgekit}`);
});

test.each(["", "{", "<html>", "NaN", "null", "[]", "5", "[".repeat(100_000), '{"edgekit": 1e999}'])(
  "%.20s is no manifest",
  (text) => {
    expect(() => parseManifest(text)).toThrow(ManifestError);
  },
);

test.each([
  ['"width":30', '"width":1e400', "input.width"],
  ['"width":30', '"width":9007199254740993', "input.width"],
  ['"scale":0.0078125', '"scale":1e400', "input.scale"],
  ['"mean":[127.5]', '"mean":[-1e400]', "input.mean[0]"],
])("%s must not become %s", (value, other, field) => {
  expect(() => parseManifest(JSON.stringify(BASE).replace(value, other))).toThrow(field);
});

test("long values are cut and lists are not written out", () => {
  expect(() => parseManifest(JSON.stringify({ ...BASE, name: 5, task: "x".repeat(999) }))).toThrow(/^.{1,200}$/);
  expect(() => parseManifest(JSON.stringify({ ...BASE, name: [1, 2, 3] }))).toThrow("name: expected text, got a list");
});

test("anchors are little-endian rows of four, wherever they lie in memory", () => {
  const bytes = new Uint8Array(1 + 32);
  const view = new DataView(bytes.buffer);
  const values = [0, 0.5, -1, 2, 3, 4, 5, 6];
  for (const [place, value] of values.entries()) {
    view.setFloat32(1 + 4 * place, value, true);
  }
  expect([...parseAnchors(bytes.subarray(1))]).toEqual(values);
});

test.each([0, 15, 17])("anchors of %i bytes are damaged", (length) => {
  expect(() => parseAnchors(new Uint8Array(length))).toThrow(`${length} bytes`);
});
