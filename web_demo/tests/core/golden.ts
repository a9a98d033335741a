/** The vectors of tests/golden, which Python, LiteRT's kernel and the core must all agree on. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Detections, Tensor } from "../../core/decode";
import type { ImageInput } from "../../core/manifest";
import type { Pixels } from "../../core/resize";

export interface DetectionsData {
  readonly boxes: readonly (readonly number[])[];
  readonly scores: readonly number[];
  readonly classes: readonly number[];
}

/** Cases of a file; the caller says what is in them. */
export function cases<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(new URL(`../../../tests/golden/${name}`, import.meta.url), "utf-8")).cases;
}

/** The picture that every language computes by the formula in the files; one channel is repeated in all. */
export function picture(height: number, width: number, channels = 3): Pixels {
  const data = new Uint8ClampedArray(4 * height * width).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const shift = channels === 3 ? 85 * channel : 0;
        data[4 * (y * width + x) + channel] = (3 * x * x + 5 * y * y + 7 * x * y + shift + (x ^ y)) % 256;
      }
    }
  }
  return { data, width, height };
}

export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A nested list of numbers as a tensor. */
export function tensor(nested: unknown): Tensor {
  const shape: number[] = [];
  for (let level = nested; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
  }
  const flat = [nested].flat(shape.length as 8) as number[];
  return { data: Float32Array.from(flat), shape };
}

export function expectSame(found: Detections, wanted: DetectionsData): void {
  expect([...found.classes]).toEqual(wanted.classes);
  expectClose(found.scores, wanted.scores);
  expectClose(found.boxes, wanted.boxes.flat());
}

/** Within a unit in the last place of float32: exp of another library may differ in the last place of a double. */
export function expectClose(found: ArrayLike<number>, wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  const far = wanted.filter(
    (want, place) => Math.abs(found[place]! - want) > 2 ** -23 * Math.max(Math.abs(want), 2 ** -126),
  );
  expect(far).toEqual([]);
}

export const IMAGE: ImageInput = {
  name: "image",
  width: 5,
  height: 4,
  colour: "RGB",
  dtype: "uint8",
  scale: 1 / 128,
  zero_point: 128,
  mean: [127.5],
  std: [127.5],
  resize: { fit: "stretch", filter: "bilinear", centres: "half-pixel", antialias: false },
};
