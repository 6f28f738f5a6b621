import type { Geometry, Point, Polygon, Position } from "geojson";
import { describe, expect, it, vi } from "vitest";
import { boundsOf, eachPosition, moved } from "./bounds";

const point = (...at: Position): Point => ({ type: "Point", coordinates: at });
const holed: Polygon = {
  type: "Polygon",
  coordinates: [
    [
      [118, 24],
      [118.4, 24],
      [118.4, 24.3],
      [118, 24],
    ],
    [
      [118.2, 24.1],
      [118.3, 24.1],
      [118.3, 24.2],
      [118.2, 24.1],
    ],
  ],
};
const several: Geometry = {
  type: "MultiPolygon",
  coordinates: [holed.coordinates, [[...(holed.coordinates[0] ?? [])]]],
};
const mixed: Geometry = {
  type: "GeometryCollection",
  geometries: [
    point(117, 25),
    { type: "GeometryCollection", geometries: [point(119, 23, 80)] },
    {
      type: "LineString",
      coordinates: [
        [118, 26],
        [118.5, 24],
      ],
    },
  ],
};

describe("the box around shapes", () => {
  it.each<[string, Geometry, number[]]>([
    ["a point", point(118, 24), [118, 24, 118, 24]],
    ["an area with a hole", holed, [118, 24, 118.4, 24.3]],
    ["an area of parts", several, [118, 24, 118.4, 24.3]],
    ["a collection within a collection", mixed, [117, 23, 119, 26]],
  ])("holds all of %s", (_, shape, box) => {
    expect(boundsOf(shape)).toEqual(box);
  });
  it("holds several shapes together, those that are not drawn left out", () => {
    expect(boundsOf(null, point(118, 24), undefined, point(-2, -30))).toEqual([-2, -30, 118, 24]);
  });
  it("is none where nothing is drawn, nor where a shape has no corners", () => {
    expect(boundsOf()).toBeNull();
    expect(boundsOf(null, undefined)).toBeNull();
    expect(boundsOf({ type: "MultiPolygon", coordinates: [] })).toBeNull();
    expect(boundsOf({ type: "GeometryCollection", geometries: [] })).toBeNull();
  });
  it("does not remember the shapes of the last question", () => {
    boundsOf(point(10, 10));
    expect(boundsOf(point(118, 24))).toEqual([118, 24, 118, 24]);
  });
});

describe("the positions of a shape", () => {
  const positionsOf = (shape: Geometry) => {
    const call = vi.fn<(at: Position) => void>();
    eachPosition(shape, call);
    return call.mock.calls.map(([at]) => at);
  };
  it("are told one by one in their order, those of holes too", () => {
    expect(positionsOf(holed)).toEqual(holed.coordinates.flat());
    expect(positionsOf(several)).toHaveLength(12);
  });
  it("keep their heights", () => {
    expect(positionsOf(mixed)).toEqual([
      [117, 25],
      [119, 23, 80],
      [118, 26],
      [118.5, 24],
    ]);
  });
});

describe("a shape that is moved", () => {
  const east = ([lon = 0, lat = 0, ...more]: Position): Position => [lon + 1, lat, ...more];
  it("has each of its corners moved, and is of the kind it was", () => {
    const there = moved(holed, east);
    expect(there.type).toBe("Polygon");
    expect(there.coordinates.map((ring) => ring.length)).toEqual([4, 4]);
    expect(there.coordinates[1]?.[0]).toEqual([119.2, 24.1]);
    expect(boundsOf(there)).toEqual([119, 24, 119.4, 24.3]);
  });
  it("may be of many parts and kinds", () => {
    expect(boundsOf(moved(mixed, east))).toEqual([118, 23, 120, 26]);
    expect(moved(mixed, east)).toMatchObject({
      geometries: [{ type: "Point" }, { geometries: [{ coordinates: [120, 23, 80] }] }, {}],
    });
  });
  it("leaves the one that was given where it is, and its other members as they are", () => {
    const given = { ...point(118, 24), bbox: [118, 24, 118, 24] as const };
    const before = structuredClone(given);
    expect(moved(given as unknown as Point, east)).toEqual({ ...given, coordinates: [119, 24] });
    expect(given).toEqual(before);
  });
});
