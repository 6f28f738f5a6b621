import { describe, expect, it } from "vitest";
import type { LayerListed } from "../../kit/map/layers";
import { bySubject, narrowed, overlap, subjectOf } from "./subjects";

const layer = (id: string, kind: "vector" | "raster", bounds: LayerListed["bounds"] = null) =>
  ({ id, kind, bounds, title_zh: id, title_en: id, theme: "", version: "1" }) as LayerListed;

it.each([
  ["zones", "vector", "planning"],
  ["zones.xiamen", "raster", "services"],
  ["corridors", "vector", "pattern"],
  ["corridors.xiamen", "raster", "network"],
  ["supply.cooling.xiamen", "raster", "services"],
  ["dataset.xiamen.dem", "raster", "data"],
  ["control_areas", "vector", "lines"],
  ["something.new", "raster", "other"],
] as const)("%s (%s) is about %s", (id, kind, subject) =>
  expect(subjectOf({ id, kind }).id).toBe(subject),
);

describe("bySubject", () => {
  it("leaves out what lies elsewhere, and keeps what has no bounds", () => {
    const layers = [
      layer("zones", "vector", [117, 24, 119, 25]),
      layer("dataset.banan.dem", "raster", [106, 29, 107, 30]),
      layer("problems", "vector"),
    ];
    const found = bySubject(layers, [118, 24.2, 118.5, 24.9]);
    expect(found.map(([{ id }, some]) => [id, some.length])).toEqual([
      ["planning", 1],
      ["work", 1],
    ]);
  });
});

it("boxes that touch overlap", () => {
  expect(overlap([0, 0, 1, 1], [1, 1, 2, 2])).toBe(true);
  expect(overlap([0, 0, 1, 1], [1.1, 0, 2, 1])).toBe(false);
});

describe("narrowed", () => {
  const titled = (id: string, title_zh: string, title_en: string) => ({
    ...layer(id, "vector"),
    title_zh,
    title_en,
  });
  const tree = bySubject(
    [
      titled("zones", "分区", "Zones"),
      titled("plans", "规划", "Plans and policies"),
      titled("corridors", "廊道", "Corridors"),
      titled("control_areas", "管控区", "Control areas"),
    ],
    null,
  );
  const found = (text: string) =>
    narrowed(tree, text).map(([{ id }, layers]) => [id, ...layers.map((one) => one.id)]);

  it.each([
    [
      "",
      [
        ["planning", "zones", "plans"],
        ["pattern", "corridors"],
        ["lines", "control_areas"],
      ],
    ],
    [
      "  ",
      [
        ["planning", "zones", "plans"],
        ["pattern", "corridors"],
        ["lines", "control_areas"],
      ],
    ],
    ["分区", [["planning", "zones"]]],
    ["ZONE", [["planning", "zones"]]],
    // A word of a subject keeps its layers, whatever they are called.
    ["planning", [["planning", "zones", "plans"]]],
    ["规划", [["planning", "zones", "plans"]]],
    ["control lines", [["lines", "control_areas"]]],
    [" corridor ", [["pattern", "corridors"]]],
    ["xyz", []],
  ] as const)("by %j", (text, left) => expect(found(text)).toEqual(left));
});
