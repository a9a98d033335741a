import { describe, expect, test } from "vitest";
import type { ImageInput } from "../../core/manifest";
import { Preprocessor, table } from "../../core/preprocess";
import { Resizer } from "../../core/resize";
import { cases, digest, IMAGE, picture } from "./golden";

interface ResizeCase {
  readonly source: readonly [number, number, number];
  readonly target: readonly [number, number];
  readonly pixels?: readonly number[];
  readonly sha256?: string;
}

interface InputCase extends Pick<ImageInput, "colour" | "dtype" | "scale" | "zero_point" | "mean" | "std"> {
  readonly table: readonly (readonly number[])[];
  readonly tensor: readonly number[];
}

test.each(cases<ResizeCase>("resize.json"))("resize $source to $target", ({ source, target, pixels, sha256 }) => {
  const [height, width, channels] = source;
  const resizer = new Resizer(target[1], target[0]);
  resizer.resize(picture(height, width, channels));
  const result = resizer.result.filter((_, place) => place % 3 < channels);
  if (pixels) {
    expect([...result]).toEqual(pixels);
  } else {
    expect(digest(result)).toBe(sha256);
  }
});

test("transparent pixels lie over white", () => {
  const data = new Uint8ClampedArray(4 * 256 * 256);
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      data.set([x, 255 - x, x ^ y, y], 4 * (256 * y + x));
    }
  }
  const resizer = new Resizer(256, 256);
  resizer.resize({ data, width: 256, height: 256 });
  expect(digest(resizer.result)).toBe(cases<{ sha256: string }>("transparent.json")[0]?.sha256);
});

describe.each(cases<InputCase>("input.json"))("$colour $dtype scale $scale", (wanted) => {
  const input = { ...IMAGE, ...wanted };

  test("table", () => {
    expect([...table(input)]).toEqual(wanted.table.flat());
  });

  test("tensor", () => {
    expect([...new Preprocessor(input).tensor(picture(4, 5))]).toEqual(wanted.tensor);
  });
});

test("one preprocessor takes pictures of any size, one after the other", () => {
  const preprocessor = new Preprocessor({ ...IMAGE, width: 8, height: 8 });
  const sizes = [
    [37, 29],
    [29, 37],
    [37, 29],
    [8, 8],
  ] as const;
  for (const [height, width] of sizes) {
    const fresh = new Preprocessor({ ...IMAGE, width: 8, height: 8 });
    const pixels = picture(height, width);
    expect([...preprocessor.tensor(pixels)]).toEqual([...fresh.tensor(pixels)]);
  }
});

test.each([
  { width: 0, height: 0, bytes: 0 },
  { width: 2, height: 2, bytes: 12 },
  { width: -2, height: -2, bytes: 16 },
  { width: Number.NaN, height: 2, bytes: 16 },
])("$bytes bytes are no picture of $width × $height", ({ width, height, bytes }) => {
  const preprocessor = new Preprocessor(IMAGE);
  const pixels = { data: new Uint8Array(bytes), width, height };
  expect(() => preprocessor.tensor(pixels)).toThrow(`got ${bytes} bytes for ${width} × ${height}`);
});
