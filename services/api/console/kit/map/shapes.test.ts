import type { Geometry, Polygon, Position } from "geojson";
import { describe, expect, it } from "vitest";
import { canDraw, joined, partsOf, pointWithin } from "./shapes";

const ring = (west: number): Position[] => [
  [west, 0],
  [west + 1, 0],
  [west + 1, 1],
  [west, 0],
];
const area = (...rings: Position[][]): Polygon => ({ type: "Polygon", coordinates: rings });
const POINT = { type: "Point" as const, coordinates: [118, 24] };

describe("shapes of a geometry", () => {
  it("make it again where they are of a kind, one alone as it is", () => {
    expect(joined([])).toBeNull();
    expect(joined([POINT])).toEqual(POINT);
    const two = joined([area(ring(0)), area(ring(2))]);
    expect(two).toEqual({ type: "MultiPolygon", coordinates: [[ring(0)], [ring(2)]] });
    expect(partsOf(two)).toEqual([area(ring(0)), area(ring(2))]);
  });
  it("are a collection where they differ", () => {
    const mixed = joined([POINT, area(ring(0))]);
    expect(mixed?.type).toBe("GeometryCollection");
    expect(partsOf(mixed)).toEqual([POINT, area(ring(0))]);
  });
  it("are none of nothing", () => expect(partsOf(null)).toEqual([]));
  it.each([
    ["a point", POINT, [118, 24]],
    [
      "a line",
      {
        type: "LineString",
        coordinates: [
          [0, 0],
          [1, 1],
          [2, 0],
        ],
      },
      [1, 1],
    ],
    ["an area", area(ring(0)), [0.75, 0.5]],
    ["the first of several", joined([area(ring(0)), area(ring(2))]), [0.75, 0.5]],
    [
      "an area with a hole, beside it",
      area(
        [
          [0, 0],
          [10, 0],
          [10, 2],
          [0, 2],
          [0, 0],
        ],
        [
          [1, 0.5],
          [4, 0.5],
          [4, 1.5],
          [1, 1.5],
          [1, 0.5],
        ],
      ),
      [7, 1],
    ],
    [
      "an area that bends round its middle",
      area([
        [0, 0],
        [9, 0],
        [9, 4],
        [7, 4],
        [7, 1],
        [1, 1],
        [1, 4],
        [0, 4],
        [0, 0],
      ]),
      [8, 2],
    ],
    ["nothing", { type: "GeometryCollection", geometries: [] }, null],
  ] as [string, Geometry, Position | null][])("have a point within: %s", (_, shape, place) =>
    expect(pointWithin(shape)).toEqual(place),
  );
  it("can be drawn where they have no holes", () => {
    expect(canDraw(area(ring(0)))).toBe(true);
    expect(canDraw(area(ring(2), ring(3)))).toBe(false);
    expect(canDraw(POINT)).toBe(true);
  });
});
