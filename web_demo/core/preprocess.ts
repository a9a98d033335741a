/** From pixels to the tensor that a model is fed; docs/formats/preprocessing.md is the specification. */

import { channels, type ImageInput } from "./manifest";
import { type Pixels, Resizer } from "./resize";

export type Stored = Uint8Array | Int8Array | Float32Array;

const LEVELS = 256;
const ARRAYS = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };

/** Makes input tensors of one model from pictures of any size, without allocating for each. */
export class Preprocessor {
  readonly #input: ImageInput;
  readonly #resizer: Resizer;
  readonly #table: Stored;
  readonly #tensor: Stored;

  constructor(input: ImageInput) {
    this.#input = input;
    this.#resizer = new Resizer(input.width, input.height);
    this.#table = table(input);
    this.#tensor = new ARRAYS[input.dtype](input.width * input.height * channels(input));
  }

  /** The stored input tensor [1, height, width, channels]; the next call overwrites it. */
  tensor(pixels: Pixels): Stored {
    this.#resizer.resize(pixels);
    if (this.#input.colour === "GRAY") {
      this.#fillGrey(this.#resizer.result);
    } else {
      this.#fill(this.#resizer.result, this.#input.colour === "BGR");
    }
    return this.#tensor;
  }

  #fill(rgb: Uint8Array, reversed: boolean): void {
    const [stored, tensor] = [this.#table, this.#tensor];
    const [red, blue] = reversed ? [2, 0] : [0, 2];
    for (let place = 0; place < rgb.length; place += 3) {
      tensor[place] = stored[rgb[place + red]!]!;
      tensor[place + 1] = stored[LEVELS + rgb[place + 1]!]!;
      tensor[place + 2] = stored[2 * LEVELS + rgb[place + blue]!]!;
    }
  }

  #fillGrey(rgb: Uint8Array): void {
    // the luma weights .299, .587, .114 of ITU-R BT.601 in units of 1/65536
    for (let place = 0; place < this.#tensor.length; place++) {
      const sum = 19595 * rgb[3 * place]! + 38470 * rgb[3 * place + 1]! + 7471 * rgb[3 * place + 2]!;
      this.#tensor[place] = this.#table[(sum + 32768) >> 16]!;
    }
  }
}

/**
 * Stored values [channels, 256] of each pixel value, channels in the tensor's order.
 *
 * An integer input takes pixels as they are (int8: less 128) where that is within one step of what it should be.
 */
export function table(input: ImageInput): Stored {
  const { dtype, mean, std, zero_point: zeroPoint } = input;
  const wanted = Float64Array.from({ length: LEVELS * channels(input) }, (_, place) => {
    const channel = mean.length === 1 ? 0 : Math.floor(place / LEVELS);
    return ((place % LEVELS) - mean[channel]!) / std[channel]!;
  });
  if (dtype === "float32") {
    return Float32Array.from(wanted);
  }
  const scale = Math.fround(input.scale);
  const low = dtype === "uint8" ? 0 : -128;
  const same = wanted.map((_, place) => (place % LEVELS) + low);
  const isSame = wanted.every((real, place) => Math.abs((same[place]! - zeroPoint) * scale - real) <= scale);
  const step = (real: number) => Math.min(Math.max(Math.floor(real / scale + 0.5) + zeroPoint, low), low + LEVELS - 1);
  return ARRAYS[dtype].from(isSame ? same : wanted.map(step));
}
