import type { Geometry, Position } from "geojson";
import { describe, expect, it } from "vitest";
import type { CollectionSchema, Feature } from "../../kit/features";
import type { Drawable } from "../../kit/map/draw";
import { bordersOf, following } from "./borders";
import { openedBy, overlayOf } from "./digitise";
import { kindsOf, membersOf, undrawnFirst } from "./objects";

const feature = (id: string, geometry: Geometry | null): Feature => ({
  type: "Feature",
  id,
  geometry,
  properties: { name_en: id, name_zh: id },
});
const POINT: Geometry = { type: "Point", coordinates: [118, 24] };
const RING: Position[] = [
  [0, 0],
  [1, 0],
  [2, 0],
  [2, 1],
  [2, 2],
  [0, 2],
  [0, 0],
];

describe("what can be digitised", () => {
  it("has what nobody has drawn first, the rest in its order", () => {
    const sorted = undrawnFirst([
      feature("a", POINT),
      feature("b", null),
      feature("c", POINT),
      feature("d", null),
    ]);
    expect(sorted.map(({ id }) => id)).toEqual(["b", "d", "a", "c"]);
  });
  it.each([
    ["geometry-multilinestring", ["linestring"]],
    ["geometry-multipolygon", ["polygon"]],
    ["geometry-point", ["point"]],
    ["geometry-any", ["polygon", "linestring", "point"]],
  ])("takes of %s: %s", (format, kinds) => {
    const schema: CollectionSchema = { properties: { geometry: { format } } };
    expect(kindsOf(schema)).toEqual(kinds);
  });
  it("has a form of what people write", () => {
    const schema: CollectionSchema = {
      properties: {
        geometry: { format: "geometry-any" },
        code: { type: "string" },
        name_zh: { type: "string" },
        width_m: { type: "number" },
        length_km: { type: "number", readOnly: true },
        quality: { type: "object" },
      },
    };
    expect(Object.keys(membersOf(schema))).toEqual(["name_zh", "width_m"]);
  });
  it("is opened by an address that names it", () => {
    expect(openedBy("corridors", "x")?.code).toBe("x");
    expect(openedBy("corridors", undefined)).toBeNull();
    expect(openedBy("keys", "x")).toBeNull();
  });
  it("shows on the map what is drawn alone", () => {
    const { features } = overlayOf([feature("a", POINT), feature("b", null)]);
    expect(features.map(({ properties }) => properties?.label)).toEqual(["a"]);
  });
});

describe("borders", () => {
  it("are the rings and lines of all parts", () => {
    const shapes: (Geometry | null)[] = [
      { type: "MultiPolygon", coordinates: [[RING], [RING]] },
      { type: "LineString", coordinates: RING.slice(0, 3) },
      POINT,
      null,
    ];
    expect(bordersOf(shapes)).toHaveLength(3);
  });
  const line = (...coordinates: Position[]): Drawable => ({ type: "LineString", coordinates });
  it("are followed between two corners of one, on the shorter way", () => {
    expect(following(line([0, 0], [2, 0]), [RING])).toEqual(line([0, 0], [1, 0], [2, 0]));
    expect(following(line([2, 2], [0, 0]), [RING])).toEqual(line([2, 2], [0, 2], [0, 0]));
    expect(following(line([2, 2], [1, 0]), [RING])).toEqual(line([2, 2], [2, 1], [2, 0], [1, 0]));
  });
  it("are followed round the beginning of a ring", () => {
    expect(following(line([1, 0], [0, 2]), [RING])).toEqual(line([1, 0], [0, 0], [0, 2]));
    expect(following(line([0, 2], [1, 0]), [RING])).toEqual(line([0, 2], [0, 0], [1, 0]));
  });
  it("are left alone by corners that are not on them", () => {
    const free = line([5, 5], [6, 6], [0, 0]);
    expect(following(free, [RING])).toEqual(free);
  });
  it("are followed by the edges of an area", () => {
    const area: Drawable = {
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [2, 0],
          [1, -1],
          [0, 0],
        ],
      ],
    };
    expect(following(area, [RING])).toEqual({
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [1, 0],
          [2, 0],
          [1, -1],
          [0, 0],
        ],
      ],
    });
  });
});
