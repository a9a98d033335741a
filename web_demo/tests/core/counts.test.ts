import { expect, test } from "vitest";
import { count } from "../../core/counts";
import { cases, type DetectionsData } from "./golden";

interface CountCase {
  readonly labels: readonly string[];
  readonly groups: readonly (readonly string[])[];
  readonly detections: DetectionsData;
  readonly total: number;
  readonly classes: readonly (readonly [string, number])[];
  readonly shares: readonly { group: string; count: number; by_count: number; by_area: number }[];
}

test.each(cases<CountCase>("counts.json"))("$groups", ({ labels, groups, detections, total, classes, shares }) => {
  const found = {
    kind: "detections",
    boxes: Float32Array.from(detections.boxes.flat()),
    scores: Float32Array.from(detections.scores),
    classes: Int32Array.from(detections.classes),
  } as const;
  const counts = count(found, labels, new Map(groups.map(([group, ...members]) => [group!, members])));
  expect(counts.total).toBe(total);
  expect([...counts.classes]).toEqual(classes);
  expect(counts.shares.map((share) => [share.group, share.count])).toEqual(shares.map((s) => [s.group, s.count]));
  for (const [place, share] of counts.shares.entries()) {
    expect(share.byCount).toBe(shares[place]?.by_count);
    expect(share.byArea).toBeCloseTo(shares[place]!.by_area, 12);
  }
});
