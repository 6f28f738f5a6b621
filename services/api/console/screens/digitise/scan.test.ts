import { describe, expect, it } from "vitest";
import { placeAt } from "../../kit/map/geodesy";
import { type ControlPoint, cornersOfScan, fitted, placeOf } from "./scan";
import { type Typed, wholePoints } from "./scan_panel";

/** A scan of 10 m a pixel, turned by a fifth of a radian, north of Xiamen. */
function point(x: number, y: number, off = 0): ControlPoint {
  const [c, s] = [Math.cos(0.2) * 10, Math.sin(0.2) * 10];
  const east = 610_000 + c * x + s * y + off;
  const north = 2_730_000 + s * x - c * y;
  const [lon, lat] = placeAt(117, { east, north });
  return { x, y, lon, lat };
}

describe("a scan that is placed by control points", () => {
  it("misses nothing by three points, and shows their places", () => {
    const points = [point(100, 80), point(900, 120), point(500, 700)];
    const fit = fitted(points);
    expect(fit?.rms).toBeLessThan(1e-3);
    const [lon, lat] = placeOf(fit as NonNullable<typeof fit>, 100, 80);
    expect(lon).toBeCloseTo(points[0]?.lon ?? 0, 8);
    expect(lat).toBeCloseTo(points[0]?.lat ?? 0, 8);
  });
  it("tells by how many metres each of more points is missed", () => {
    const exact = [point(0, 0), point(1000, 0), point(1000, 800), point(0, 800)];
    expect(fitted(exact)?.residuals.every((one) => one < 1e-3)).toBe(true);
    // One corner of a rectangle off by 40 m: least squares spread it over all four alike.
    const fit = fitted([...exact.slice(0, 3), point(0, 800, 40)]);
    expect(fit?.residuals).toHaveLength(4);
    for (const one of fit?.residuals ?? []) expect(one).toBeCloseTo(10, 3);
    expect(fit?.rms).toBeCloseTo(10, 3);
  });
  it("has its corners where its outer pixels are", () => {
    const fit = fitted([point(100, 80), point(900, 120), point(500, 700)]);
    const corners = cornersOfScan(fit as NonNullable<typeof fit>, 1000, 800);
    const wanted = [point(0, 0), point(1000, 0), point(1000, 800), point(0, 800)];
    corners.forEach(([lon = 0, lat = 0], n) => {
      expect(lon).toBeCloseTo(wanted[n]?.lon ?? 0, 7);
      expect(lat).toBeCloseTo(wanted[n]?.lat ?? 0, 7);
    });
  });
  it("is not placed by two points, nor by points in one line", () => {
    expect(fitted([point(0, 0), point(10, 10)])).toBeNull();
    expect(fitted([point(0, 0), point(10, 10), point(20, 20)])).toBeNull();
    expect(fitted([point(5, 5), point(5, 5), point(5, 5)])).toBeNull();
  });
});

describe("control points that are typed", () => {
  const row = (x: string, y: string, lon: string, lat: string): Typed => ({ x, y, lon, lat });
  it("count where they are whole, degrees in either way of writing", () => {
    const { points, rows } = wholePoints([
      row("1", "2", "118", "24.5"),
      row("3", "", "118", "24"),
      row("3", "4", "118°30′", "24"),
      row("5", "6", "", ""),
      row("5", "6", "190", "24"),
    ]);
    expect(rows).toEqual([0, 2]);
    expect(points).toEqual([
      { x: 1, y: 2, lon: 118, lat: 24.5 },
      { x: 3, y: 4, lon: 118.5, lat: 24 },
    ]);
  });
});
