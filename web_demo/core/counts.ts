/** What stands on the shelf: how often each class was found, and which share of it each group has. */

import type { Detections } from "./decode";
import { labelOf } from "./labels";
import type { Groups } from "./manifest";

export const OTHER = "other"; // detections whose label is in no group

/** A group's part in all detections: how many, and as a fraction by count and by area of their boxes. */
export interface Share {
  readonly group: string;
  readonly count: number;
  readonly byCount: number;
  readonly byArea: number;
}

/** classes: label → number found, most frequent first. shares: the groups in their order, then 'other'. */
export interface Counts {
  readonly total: number;
  readonly classes: ReadonlyMap<string, number>;
  readonly shares: readonly Share[];
}

/**
 * Counts and shares of the detections. The area of a box is that of its part inside the picture.
 *
 * Shares are empty where the model has no groups, and 0 where nothing was found; else each kind adds up to 1.
 */
export function count(found: Detections, labels: readonly string[], groups: Groups): Counts {
  const names = Array.from(found.classes, (index) => labelOf(labels, index));
  const classes = new Map<string, number>();
  for (const name of names) {
    classes.set(name, (classes.get(name) ?? 0) + 1);
  }
  const frequent = [...classes].sort(([a, many], [b, few]) => few - many || byCodePoint(a, b));
  return { total: names.length, classes: new Map(frequent), shares: shares(found, names, groups) };
}

function shares(found: Detections, names: readonly string[], groups: Groups): readonly Share[] {
  if (groups.size === 0) {
    return [];
  }
  const owner = new Map([...groups].flatMap(([group, members]) => members.map((label) => [label, group])));
  const tallies = new Map([...groups.keys(), OTHER].map((group) => [group, { count: 0, area: 0 }]));
  let surface = 0;
  for (const [index, name] of names.entries()) {
    const tally = tallies.get(owner.get(name) ?? OTHER)!;
    const area = areaInside(found.boxes, index);
    tally.count += 1;
    tally.area += area;
    surface += area;
  }
  const total = Math.max(names.length, 1);
  const whole = surface === 0 ? 1 : surface;
  return Array.from(tallies, ([group, tally]) => ({
    group,
    count: tally.count,
    byCount: tally.count / total,
    byArea: tally.area / whole,
  }));
}

function areaInside(boxes: Float32Array, index: number): number {
  const [xmin, ymin, xmax, ymax] = boxes.subarray(4 * index, 4 * index + 4);
  return (inside(xmax!) - inside(xmin!)) * (inside(ymax!) - inside(ymin!));
}

function inside(coordinate: number): number {
  return Math.min(Math.max(coordinate, 0), 1);
}

/** Python's order of strings; `<` compares UTF-16 units, which puts an emoji before a full-width letter. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const place = left.findIndex((character, index) => character !== right[index]);
  return place === -1 ? left.length - right.length : code(left[place]) - code(right[place]);
}

function code(character: string | undefined): number {
  return character?.codePointAt(0) ?? -1;
}
