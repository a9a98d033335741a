/**
 * The one resize: bilinear, half-pixel centres, no antialias, in integers that every language computes alike.
 *
 * docs/formats/preprocessing.md specifies it.
 */

const BITS = 11; // of a weight: the most for which a sum over four pixels, 255 × 2^22, fits 32 bits with sign
const ONE = 1 << BITS;
const HALF = 1 << (2 * BITS - 1);

/** Eight bits a channel, red, green, blue, alpha, the right way up; an ImageData is one. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** For each pixel of a row or column of the result: the two source pixels around it, and the second one's weight. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

/** Stretches pictures of any size to one size; keeps what depends on sizes alone from picture to picture. */
export class Resizer {
  /** Red, green, blue of the last result [height, width, 3]. */
  readonly result: Uint8Array;
  readonly #width: number;
  readonly #height: number;
  #source = { width: 0, height: 0 };
  #rows: Taps = taps(0, 0);
  #columns: Taps = taps(0, 0);

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.result = new Uint8Array(3 * width * height);
  }

  /** Fills `result`. What is transparent is laid over white. */
  resize(pixels: Pixels): void {
    this.#prepare(pixels);
    const { first: left, second: right, weight: across } = this.#columns;
    const [data, result, width] = [pixels.data, this.result, this.#width];
    let place = 0;
    for (let y = 0; y < this.#height; y++) {
      const top = this.#rows.first[y]! * pixels.width;
      const bottom = this.#rows.second[y]! * pixels.width;
      const down = this.#rows.weight[y]!;
      for (let x = 0; x < width; x++) {
        const topLeft = 4 * (top + left[x]!);
        const topRight = 4 * (top + right[x]!);
        const bottomLeft = 4 * (bottom + left[x]!);
        const bottomRight = 4 * (bottom + right[x]!);
        const share = across[x]!;
        const ofTopLeft = (ONE - share) * (ONE - down);
        const ofTopRight = share * (ONE - down);
        const ofBottomLeft = (ONE - share) * down;
        const ofBottomRight = share * down;
        for (let channel = 0; channel < 3; channel++) {
          const sum =
            over(data, topLeft, channel) * ofTopLeft +
            over(data, topRight, channel) * ofTopRight +
            over(data, bottomLeft, channel) * ofBottomLeft +
            over(data, bottomRight, channel) * ofBottomRight;
          result[place++] = (sum + HALF) >> (2 * BITS);
        }
      }
    }
  }

  #prepare({ data, width, height }: Pixels): void {
    if (!(width > 0 && height > 0) || data.length !== 4 * width * height) {
      throw new RangeError(`Expected the RGBA pixels of a picture, got ${data.length} bytes for ${width} × ${height}.`);
    }
    if (width !== this.#source.width || height !== this.#source.height) {
      this.#rows = taps(height, this.#height);
      this.#columns = taps(width, this.#width);
      this.#source = { width, height };
    }
  }
}

/** A channel of the pixel that starts at `start`, over white. */
function over(data: Uint8Array | Uint8ClampedArray, start: number, channel: number): number {
  const value = data[start + channel]!;
  const alpha = data[start + 3]!;
  return alpha === 255 ? value : ((value * alpha + 255 * (255 - alpha) + 127) / 255) | 0;
}

function taps(size: number, length: number): Taps {
  const result = { first: new Int32Array(length), second: new Int32Array(length), weight: new Int32Array(length) };
  for (let place = 0; place < length; place++) {
    const position = (2 * place + 1) * size - length; // in units of 1 / (2 · length) pixel
    const first = Math.floor(position / (2 * length));
    result.weight[place] = Math.floor(((position - first * 2 * length) * ONE + length) / (2 * length));
    result.first[place] = Math.min(Math.max(first, 0), size - 1);
    result.second[place] = Math.min(Math.max(first + 1, 0), size - 1);
  }
  return result;
}
