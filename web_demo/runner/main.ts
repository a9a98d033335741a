// The page that edgekit opens in a browser without a window, to run graph models there. It shows nothing: edgekit calls
// the functions of `globalThis.edgekit` with an argument and bytes, and each answers with a value, and bytes or none.
import "@tensorflow/tfjs-backend-cpu";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threaded from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import "@tensorflow/tfjs-backend-webgl";
import { type GraphModel, loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { type Described, pack, unpack } from "./tensors";

type Answer = readonly [value: unknown, bytes?: BodyInit];

/** A model that was loaded, what it was last fed with, and what it last gave. */
interface Loaded {
  readonly model: GraphModel;
  readonly backend: string;
  inputs: tf.NamedTensorMap;
  outputs: tf.Tensor[];
}

const models = new Map<number, Loaded>();
let loads = 0;

async function load({ url, backend }: { url: string; backend: string }): Promise<Answer> {
  await use(backend);
  const start = performance.now();
  const model = await loadGraphModel(url, { fetchFunc: fetchExisting });
  const milliseconds = performance.now() - start;
  const id = loads++;
  models.set(id, { model, backend, inputs: {}, outputs: [] });
  const inputs: Described[] = model.inputs.map(({ dtype, shape }, i) => ({
    name: model.inputNodes[i]!,
    dtype,
    shape: shape ?? null,
  }));
  return [{ id, inputs, outputs: model.outputNodes, milliseconds }];
}

/** Else TensorFlow.js takes the answer that a shard is missing for an empty shard. */
async function fetchExisting(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (!response.ok) throw new Error(`There is no file ${response.url}.`);
  return response;
}

async function feed({ id, tensors }: { id: number; tensors: Described[] }, bytes: ArrayBuffer): Promise<Answer> {
  const loaded = await get(id);
  tf.dispose(loaded.inputs);
  loaded.inputs = unpack(tensors, bytes);
  return [null];
}

/** Runs once; ready when the outputs' values are. */
async function run({ id }: { id: number }): Promise<Answer> {
  const loaded = await get(id);
  release(loaded, loaded.outputs);
  loaded.outputs = [];
  const start = performance.now();
  loaded.outputs = execute(loaded, loaded.model.outputNodes);
  await Promise.all(loaded.outputs.map((output) => output.data()));
  return [{ milliseconds: performance.now() - start }];
}

async function read({ id }: { id: number }): Promise<Answer> {
  const { model, outputs } = await get(id);
  return pack(model.outputNodes, outputs);
}

/** Tensors that stand inside the graph, by the names of their nodes; runs for them. */
async function inner({ id, names }: { id: number; names: string[] }): Promise<Answer> {
  const loaded = await get(id);
  const tensors = execute(loaded, names);
  const answer = await pack(names, tensors);
  release(loaded, tensors);
  return answer;
}

async function unload({ id }: { id: number }): Promise<Answer> {
  const loaded = await get(id);
  release(loaded, loaded.outputs);
  tf.dispose(loaded.inputs);
  loaded.model.dispose();
  models.delete(id);
  return [null];
}

async function memory(): Promise<Answer> {
  const { numTensors, numBytes } = tf.memory();
  return [{ tensors: numTensors, bytes: numBytes }];
}

function execute({ model, inputs }: Loaded, names: string[]): tf.Tensor[] {
  const outputs = model.execute(inputs, names);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Disposes of what a run gave. It can give inputs and weights as they are, which the next run needs. */
function release({ model, inputs }: Loaded, tensors: readonly tf.Tensor[]): void {
  const held = new Set([...Object.values(inputs), ...Object.values(model.weights).flat()]);
  tf.dispose(tensors.filter((tensor) => !held.has(tensor)));
}

/** A model, with the backend in use that it was loaded for. */
async function get(id: number): Promise<Loaded> {
  const loaded = models.get(id);
  if (!loaded) throw new Error("The model was unloaded.");
  await use(loaded.backend);
  return loaded;
}

async function use(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`This browser cannot start the backend ${backend}.`);
}

function prepare(threads: number): void {
  setWasmPaths({
    "tfjs-backend-wasm.wasm": plain,
    "tfjs-backend-wasm-simd.wasm": simd,
    "tfjs-backend-wasm-threaded-simd.wasm": threaded,
  });
  if (threads > 1) setThreadsCount(threads);
  else tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
}

prepare(Number(new URLSearchParams(location.search).get("threads") ?? 1));
Object.assign(globalThis, { edgekit: { load, feed, run, read, inner, unload, memory } });
