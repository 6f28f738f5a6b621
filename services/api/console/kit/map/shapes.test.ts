import type { Polygon, Position } from "geojson";
import { describe, expect, it } from "vitest";
import { canDraw, joined, partsOf } from "./shapes";

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
  it("can be drawn where they have no holes", () => {
    expect(canDraw(area(ring(0)))).toBe(true);
    expect(canDraw(area(ring(2), ring(3)))).toBe(false);
    expect(canDraw(POINT)).toBe(true);
  });
});
