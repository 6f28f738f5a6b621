import { describe, expect, it } from "vitest";
import { areaOf, gaussKrueger, lengthOf, sexagesimal } from "./geodesy";

// Expected values by pyproj 3 (PROJ 9): EPSG:4490 to EPSG:4548 and EPSG:4545, Geod of CGCS2000.
describe("gaussKrueger", () => {
  it("agrees with PROJ in zone 39", () => {
    const { zone, meridian, north, east } = gaussKrueger(118.1, 24.5);
    expect([zone, meridian]).toEqual([39, 117]);
    expect(east).toBeCloseTo(611494.7872135354, 5);
    expect(north).toBeCloseTo(2711113.4497072385, 5);
  });

  it("agrees with PROJ west of a meridian", () => {
    const { meridian, north, east } = gaussKrueger(107.2, 29.4);
    expect(meridian).toBe(108);
    expect(east).toBeCloseTo(422349.5617566355, 5);
    expect(north).toBeCloseTo(3253871.084505694, 5);
  });

  it("is 500 km on the meridian", () => expect(gaussKrueger(117, 30).east).toBeCloseTo(500_000, 9));
});

it("lengths are geodesic", () =>
  expect(
    lengthOf([
      [118, 24.5],
      [118.1, 24.6],
    ]),
  ).toBeCloseTo(15011.266974359876, 6));

describe("areaOf", () => {
  const ring = [
    [118, 24.5],
    [118.1, 24.5],
    [118.1, 24.6],
    [118, 24.6],
  ];

  it("is ellipsoidal", () => expect(areaOf(ring)).toBeCloseTo(112222430.15193176, 2));

  it("does not mind direction or closing", () => {
    const closed = [...ring, ring[0] as number[]];
    expect(areaOf(closed.toReversed())).toBeCloseTo(areaOf(ring), 6);
  });
});

it.each([
  [118.0915, "118°05′29.40″"],
  [-0.5, "-0°30′00.00″"],
  [24.999999999, "25°00′00.00″"],
])("%f degrees are written %s", (degrees, text) => expect(sexagesimal(degrees)).toBe(text));
