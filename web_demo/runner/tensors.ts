// Tensors as edgekit sends and takes them: what they are as JSON, their values one after the other as bytes.
import * as tf from "@tensorflow/tfjs-core";

export type Kind = "float32" | "int32" | "bool";

/** What a tensor is. dtype and shape as TensorFlow.js gives them; -1 is a size that any picture may have. */
export interface Described {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[] | null;
}

/** Tensors on the backend in use, by name. Bytes are little-endian, a bool is one byte. */
export function unpack(described: readonly Described[], bytes: ArrayBuffer): tf.NamedTensorMap {
  const tensors: tf.NamedTensorMap = {};
  let at = 0;
  for (const { name, dtype, shape } of described) {
    const sizes = [...(shape ?? [])];
    const length = sizes.reduce((product, size) => product * size, 1) * (dtype === "bool" ? 1 : 4);
    tensors[name] = tf.tensor(values(dtype, bytes.slice(at, at + length)), sizes, dtype as Kind);
    at += length;
  }
  return tensors;
}

function values(dtype: string, bytes: ArrayBuffer): Float32Array | Int32Array | Uint8Array {
  if (dtype === "float32") return new Float32Array(bytes);
  return dtype === "int32" ? new Int32Array(bytes) : new Uint8Array(bytes);
}

/** The other way round; `names` in the order of `tensors`. Waits until the values are there. */
export async function pack(
  names: readonly string[],
  tensors: readonly tf.Tensor[],
): Promise<[readonly Described[], Blob]> {
  const described = tensors.map(({ dtype, shape }, i) => ({ name: names[i]!, dtype, shape }));
  const odd = described.find(({ dtype }) => !["float32", "int32", "bool"].includes(dtype));
  if (odd) throw new Error(`The tensor ${odd.name} holds ${odd.dtype}, not numbers.`);
  const all = await Promise.all(tensors.map((tensor) => tensor.data<Kind>()));
  return [described, new Blob(all as BlobPart[])];
}
