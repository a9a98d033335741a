/** A whole artifact as the app gets it: its manifest, its anchors, a real picture and what the model made of that. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { answer, type Tensor } from "../../core/decode";
import { parseAnchors, parseManifest } from "../../core/manifest";
import { Preprocessor } from "../../core/preprocess";
import { type DetectionsData, expectSame } from "./golden";

interface Case {
  readonly artifact: string;
  readonly picture: { readonly width: number; readonly height: number; readonly rgba: string };
  readonly input: string;
  readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly file: string }>>;
  readonly detections: DetectionsData;
}

const { EDGEKIT_CASES: folder } = process.env; // written by tests/slow/test_core.py
const cases: readonly Case[] = folder ? JSON.parse(readFileSync(join(folder, "cases.json"), "utf-8")) : [];

function floats(file: string): Float32Array {
  const bytes = readFileSync(join(folder ?? "", file));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

describe.skipIf(!folder)("an artifact, from the picture to its detections", () => {
  it.each(cases)("$artifact", (one) => {
    const root = one.artifact;
    const manifest = parseManifest(readFileSync(join(root, "manifest.json"), "utf-8"));
    const { width, height } = one.picture;
    const data = new Uint8ClampedArray(readFileSync(join(folder ?? "", one.picture.rgba)));
    expect(new Preprocessor(manifest.input).tensor({ data, width, height })).toEqual(floats(one.input));

    const anchors = manifest.head.kind === "raw" ? parseAnchors(readFileSync(join(root, manifest.head.anchors))) : null;
    const outputs = new Map<string, Tensor>(
      Object.entries(one.outputs).map(([name, { shape, file }]) => [name, { shape, data: floats(file) }]),
    );
    const found = answer(manifest, outputs, anchors);
    expect(found.kind).toBe("detections");
    if (found.kind === "detections") {
      expectSame(found, one.detections);
    }
  });
});
