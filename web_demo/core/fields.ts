/** Readers of JSON: each takes a value that may be anything and returns the typed one, or says which field is wrong. */

/** where: the way to the value, such as input.width or files[0].path; value: undefined where the field is missing. */
export type Reader<T> = (value: unknown, where: string) => T;
export type Read<R> = R extends Reader<infer T> ? T : never;

/** A field that is missing, of the wrong type or out of its range; `field` is the way to it. */
export class FieldError extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(field === "" ? problem : `${field}: ${problem}`);
    this.field = field;
  }
}

export function expect(condition: boolean, where: string, expected: string, got: unknown): asserts condition {
  if (!condition) {
    throw new FieldError(where, got === undefined ? "missing" : `expected ${expected}, got ${shown(got)}`);
  }
}

export const text: Reader<string> = (value, where) => {
  expect(typeof value === "string", where, "text", value);
  return value;
};

export const flag: Reader<boolean> = (value, where) => {
  expect(typeof value === "boolean", where, "true or false", value);
  return value;
};

export function matching(pattern: RegExp, expected: string): Reader<string> {
  return (value, where) => {
    expect(typeof value === "string" && pattern.test(value), where, expected, value);
    return value;
  };
}

/** A finite number; a JSON number too large for a double is refused. */
export function number(fits: (value: number) => boolean = () => true, expected = "a number"): Reader<number> {
  return (value, where) => {
    expect(typeof value === "number" && Number.isFinite(value) && fits(value), where, expected, value);
    return value;
  };
}

export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return number((value) => Number.isSafeInteger(value) && value >= least && value <= most, `an integer from ${least}`);
}

export function oneOf<const T extends string | number | boolean | null>(...values: readonly T[]): Reader<T> {
  return (value, where) => {
    const found = values.find((known) => known === value);
    expect(found !== undefined, where, values.map(shown).join(" or "), value);
    return found;
  };
}

export function list<T>(item: Reader<T>, least = 0, most: number = Number.POSITIVE_INFINITY): Reader<readonly T[]> {
  return (value, where) => {
    expect(Array.isArray(value), where, "a list", value);
    expect(value.length >= least && value.length <= most, where, lengths(least, most), value.length);
    return value.map((entry, index) => item(entry, `${where}[${index}]`));
  };
}

/** An object with any keys. A Map, because keys such as __proto__ are names like any other. */
export function mapping<T>(item: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return (value, where) => {
    const entries = Object.entries(plain(value, where));
    return new Map(entries.map(([key, entry]) => [key, item(entry, `${where}.${key}`)]));
  };
}

/** An object with the given fields; others are ignored, so that an older reader reads what a newer edgekit wrote. */
export function object<S extends Readonly<Record<string, Reader<unknown>>>>(
  shape: S,
): Reader<{ readonly [K in keyof S]: Read<S[K]> }> {
  return (value, where) => {
    const fields = plain(value, where);
    const read = Object.entries(shape).map(([key, reader]) => [
      key,
      reader(field(fields, key), where === "" ? key : `${where}.${key}`),
    ]);
    return Object.fromEntries(read);
  };
}

/** One of several objects, chosen by its field `kind`. */
export function variant<S extends Readonly<Record<string, Reader<unknown>>>>(kinds: S): Reader<Read<S[keyof S]>> {
  return (value, where) => {
    const kind = field(plain(value, where), "kind");
    const known = typeof kind === "string" ? field(kinds, kind) : undefined;
    expect(known !== undefined, `${where}.kind`, Object.keys(kinds).join(" or "), kind);
    return known(value, where) as Read<S[keyof S]>;
  };
}

export function optional<T>(reader: Reader<T>, absent: NoInfer<T>): Reader<T> {
  return (value, where) => (value === undefined ? absent : reader(value, where));
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, where) => (value === null ? null : reader(value, where));
}

/** The object's own field: what it inherits, such as toString, was not in the file. */
function field<T>(fields: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function plain(value: unknown, where: string): Readonly<Record<string, unknown>> {
  expect(typeof value === "object" && value !== null && !Array.isArray(value), where, "an object", value);
  return value as Readonly<Record<string, unknown>>;
}

function lengths(least: number, most: number): string {
  if (least === most) {
    return `${least} items`;
  }
  return most === Number.POSITIVE_INFINITY ? `at least ${least} items` : `${least} to ${most} items`;
}

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  const written = typeof value === "string" ? JSON.stringify(value) : String(value);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}
