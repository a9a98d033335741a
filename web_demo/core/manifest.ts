/** manifest.json: what is needed to run a model on a picture and to name what comes out. docs/formats/manifest.md. */

import { ModelError, NewerVersionError } from "./errors";
import {
  expect,
  FieldError,
  flag,
  integer,
  list,
  mapping,
  matching,
  nullable,
  number,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  variant,
} from "./fields";

export const NAME = "manifest.json";
export const VERSION = 1;

const MAX_COUNT = 2 ** 31 - 1; // the kernel's options are int32
const MAX_ROWS = 1_000_000; // of an answer: more than any picture shows
const NONE: ReadonlyMap<string, never> = new Map<string, never>();
const REPAIR = "It was damaged or edited. Convert the model again.";

const sha256 = matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const unit = number((value) => value >= 0 && value <= 1, "a number from 0 to 1");
const positive = number((value) => value > 0, "a number above 0");
const count = integer(1, MAX_COUNT);
const activation = oneOf("none", "sigmoid", "softmax");
const path: Reader<string> = (value, where) => {
  const inside = typeof value === "string" && /^(?!\/)[^\\:\0]+$/.test(value) && !value.split("/").includes("..");
  expect(inside, where, "a relative path inside its folder", value);
  return value;
};

const file = object({ path, role: text, bytes: integer(0), sha256 });

const imageInput = object({
  name: text,
  width: integer(1),
  height: integer(1),
  colour: oneOf("RGB", "BGR", "GRAY"),
  dtype: oneOf("float32", "uint8", "int8"),
  scale: positive,
  zero_point: integer(Number.MIN_SAFE_INTEGER),
  mean: list(number(), 1, 3),
  std: list(positive, 1, 3),
  resize: object({
    fit: oneOf("stretch"),
    filter: oneOf("bilinear"),
    centres: oneOf("half-pixel"),
    antialias: oneOf(false),
  }),
});

const rawHead = object({
  kind: oneOf("raw"),
  boxes: text,
  scores: text,
  anchors: path,
  box_coder: list(positive, 4, 4),
  activation,
  background: flag,
});

const finalHead = object({
  kind: oneOf("final"),
  boxes: text,
  classes: text,
  scores: text,
  count: text,
  order: list(integer(0, 3), 4, 4),
});

const classHead = object({ kind: oneOf("class"), scores: text, activation });

const selection = object({
  score: unit,
  iou: number((value) => value > 0 && value <= 1, "a number above 0, at most 1"),
  max_detections: count,
  max_classes_per_detection: count,
  detections_per_class: count,
  regular: flag,
});

const manifest = object({
  edgekit: oneOf(VERSION),
  name: text,
  task: oneOf("detection", "classification"),
  recipe: text,
  model: path,
  input: imageInput,
  head: variant({ raw: rawHead, final: finalHead, class: classHead }),
  selection: nullable(selection),
  display: optional(object({ score: optional(unit, 0.5) }), { score: 0.5 }),
  labels: optional(nullable(path), null),
  num_classes: integer(1),
  label_offset: optional(oneOf(0), 0),
  groups: optional(mapping(list(text)), NONE),
  files: list(file, 1),
  licence: optional(text, ""),
  source: object({ kind: text, name: text, sha256 }),
  assumptions: optional(list(text), []),
  tools: optional(mapping(text), NONE),
  key: optional(text, ""),
});

/** The fields of the file, under their own names. */
export type Manifest = Read<typeof manifest>;
export type ImageInput = Read<typeof imageInput>;
export type Activation = Read<typeof activation>;
export type RawHead = Read<typeof rawHead>;
export type FinalHead = Read<typeof finalHead>;
export type Selection = Read<typeof selection>;
export type Groups = Manifest["groups"];

/** `field`: the way to what is wrong, such as input.width or files[0].path; empty for the whole. */
export class ManifestError extends ModelError {
  override readonly name = "ManifestError";
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`This is no manifest: ${problem}. ${REPAIR}`);
    this.field = field;
  }
}

/**
 * The manifest in the text of the file.
 *
 * Throws NewerVersionError where a newer edgekit wrote it, ManifestError where anything is wrong with it.
 */
export function parseManifest(json: string): Manifest {
  try {
    const data = parsed(json);
    checkVersion(data);
    const read = manifest(data, "");
    checkFiles(read);
    checkInput(read.input);
    checkHead(read);
    return read;
  } catch (error) {
    throw error instanceof FieldError ? new ManifestError(error.field, error.message) : error;
  }
}

/** Anchors [N, 4] in the bytes of the file with role anchors, whatever the byte order here. */
export function parseAnchors(bytes: Uint8Array): Float32Array {
  if (bytes.length === 0 || bytes.length % 16 !== 0) {
    throw new ModelError(`The anchors have ${bytes.length} bytes, no whole number of anchors. ${REPAIR}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, place) => view.getFloat32(4 * place, true));
}

/** Channels of the input tensor. */
export function channels(input: ImageInput): number {
  return input.colour === "GRAY" ? 1 : 3;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new FieldError("", `it is not valid JSON (${(error as Error).message})`);
  }
}

/** Before anything else: what a newer version means is not for this reader to judge. */
function checkVersion(data: unknown): void {
  const { edgekit } = object({ edgekit: integer(1) })(data, "");
  if (edgekit > VERSION) {
    throw new NewerVersionError(
      `The manifest has version ${edgekit}, this app reads up to ${VERSION}. A newer edgekit wrote it. Renew the app.`,
    );
  }
}

function checkFiles(read: Manifest): void {
  const paths = read.files.map((entry) => entry.path);
  expect(new Set(paths).size === paths.length && !paths.includes(NAME), "files", "different paths", paths.join(", "));
  const models = read.files.filter((entry) => entry.role === "model");
  expect(models.length === 1, "files", "exactly one file with role model", models.length);
  expect(read.model === models[0]?.path, "model", "the file with role model", read.model);
  expect(read.labels === role(read, "labels"), "labels", "the file with role labels", read.labels);
  if (read.head.kind === "raw") {
    expect(
      read.head.anchors === role(read, "anchors"),
      "head.anchors",
      "the file with role anchors",
      read.head.anchors,
    );
  }
}

function role(read: Manifest, wanted: string): string | null {
  return read.files.find((entry) => entry.role === wanted)?.path ?? null;
}

function checkInput(input: ImageInput): void {
  const { mean, std, dtype, scale, zero_point } = input;
  const fits = mean.length === 1 || mean.length === channels(input);
  expect(fits, "input.mean", `1 or ${channels(input)} numbers`, mean.length);
  expect(std.length === mean.length, "input.std", `${mean.length} numbers, as many as mean`, std.length);
  if (dtype === "float32") {
    expect(scale === 1, "input.scale", "1 for float32", scale);
    expect(zero_point === 0, "input.zero_point", "0 for float32", zero_point);
  }
}

function checkHead({ task, head, selection: options }: Manifest): void {
  const fits = (head.kind === "class") === (task === "classification");
  expect(fits, "head.kind", task === "detection" ? "raw or final for a detector" : "class for a classifier", head.kind);
  if (task === "detection") {
    expect(options !== null, "selection", "an object for a detector", options);
  }
  if (options !== null) {
    const rows = options.max_detections * options.max_classes_per_detection;
    expect(rows <= MAX_ROWS, "selection", `at most ${MAX_ROWS} max_detections × max_classes_per_detection`, rows);
  }
  if (head.kind === "final") {
    expect(new Set(head.order).size === 4, "head.order", "each of 0, 1, 2, 3 once", head.order.join(", "));
  }
}
