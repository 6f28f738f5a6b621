import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { moved } from "./bounds";
import { distance, fromGcj02, suspectGcj02, toGcj02 } from "./gcj02";

const XIAMEN: Position = [118.0894, 24.4798];
const border: Position[] = [
  [118.0, 24.5],
  [118.05, 24.52],
  [118.1, 24.51],
  [118.15, 24.55],
];
const metres = ([lon = 0, lat = 0]: Position, [lon2 = 0, lat2 = 0]: Position) =>
  Math.hypot((lon - lon2) * 111_320 * Math.cos((lat * Math.PI) / 180), (lat - lat2) * 111_320);

describe("GCJ-02", () => {
  it("shifts a place of Xiamen by some 500 m", () => {
    const away = metres(XIAMEN, toGcj02(XIAMEN));
    expect(away).toBeGreaterThan(300);
    expect(away).toBeLessThan(800);
  });
  it.each([XIAMEN, [106.55, 29.56], [116.39, 39.9], [87.6, 43.8]])(
    "goes there and back to a millimetre (%s, %s)",
    (...at) => {
      const place = at as Position;
      expect(metres(fromGcj02(toGcj02(place)), place)).toBeLessThan(1e-3);
    },
  );
  it("moves each corner of any shape", () => {
    const shape = { type: "Polygon" as const, coordinates: [border] };
    const [ring = []] = moved(moved(shape, toGcj02), fromGcj02).coordinates;
    ring.forEach((at, n) => {
      expect(metres(at, border[n] as Position)).toBeLessThan(1e-3);
    });
  });
});

describe("the suspicion of GCJ-02", () => {
  it("is raised where corners lie off a border just as GCJ-02 puts them", () => {
    const found = suspectGcj02(border.map(toGcj02), [border]);
    expect(found?.asDrawn).toBeGreaterThan(150);
    expect(found?.corrected).toBeLessThan(1);
  });
  it("is none of what follows the border", () => {
    expect(suspectGcj02(border, [border])).toBeNull();
  });
  it("is none of what lies elsewhere", () => {
    const far = border.map(([lon = 0, lat = 0]): Position => [lon + 0.05, lat - 0.08]);
    expect(suspectGcj02(far, [border])).toBeNull();
  });
  it("is none of a place or two, nor where there is no border", () => {
    expect(suspectGcj02(border.slice(0, 2).map(toGcj02), [border])).toBeNull();
    expect(suspectGcj02(border.map(toGcj02), [])).toBeNull();
  });
});

describe("the distance from lines", () => {
  it("is that of the nearest edge, not of the nearest corner", () => {
    const edge: Position[] = [
      [118, 24],
      [118.2, 24],
    ];
    expect(distance([118.1, 24.001], [edge])).toBeCloseTo(111.32, 1);
    expect(distance([118.2, 24.001], [edge, border])).toBeCloseTo(111.32, 1);
  });
  it("is measured to the end where a place lies beyond it", () => {
    const edge: Position[] = [
      [118, 0],
      [118.001, 0],
    ];
    expect(distance([118.002, 0], [edge])).toBeCloseTo(111.32, 1);
  });
});
