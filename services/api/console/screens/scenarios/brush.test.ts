import type { MultiPolygon, Polygon } from "geojson";
import { describe, expect, it } from "vitest";
import { measuresOf } from "../../kit/map/sketch";
import { cellsAt, isWithin, outlineOf, strokeOf } from "./brush";

/** A grid whose cells are degrees, so that corners can be read. */
const DEGREES = { dx: 1, dy: 1 };
const ringsOf = (shape: Polygon | MultiPolygon | null) =>
  shape?.type === "Polygon" ? [shape.coordinates] : (shape?.coordinates ?? []);
/** Corners of a ring without the one that closes it, as text in an order of their own. */
const corners = (ring: number[][] | undefined) =>
  (ring ?? [])
    .slice(0, -1)
    .map(([x, y]) => `${x},${y}`)
    .sort();

describe("a grid", () => {
  it("has cells of so many metres each way", () => {
    const { dx, dy } = cellsAt(60, 200);
    expect(dy * 111_320).toBeCloseTo(200, 6);
    // Meridians stand half as far apart at 60 degrees.
    expect(dx / dy).toBeCloseTo(2, 6);
  });
  it("paints what measures as much as its cells", () => {
    const cells = cellsAt(24.5, 200);
    const shape = outlineOf(cells, strokeOf(cells, [118.0901, 24.5001]));
    expect(shape?.type).toBe("Polygon");
    const { squareMetres } = measuresOf([shape as Polygon]);
    expect(squareMetres / 40_000).toBeCloseTo(1, 1);
  });
});

describe("a stroke", () => {
  it("at one place paints its cell, west and south of zero too", () => {
    expect(strokeOf(DEGREES, [2.5, 3.5])).toEqual(["2 3"]);
    expect(strokeOf(DEGREES, [-0.5, -1.5])).toEqual(["-1 -2"]);
  });
  it("leaves no cell out between two places", () => {
    expect(strokeOf(DEGREES, [0.5, 0.5], [4.5, 0.5])).toEqual(["0 0", "1 0", "2 0", "3 0", "4 0"]);
    const slanted = strokeOf(DEGREES, [0.5, 0.5], [6.5, 3.5]);
    for (const [n, cell] of slanted.slice(1).entries()) {
      const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [slanted[n] ?? "", cell].map((one) =>
        one.split(" ").map(Number),
      ) as [number[], number[]];
      expect(Math.max(Math.abs(ax - bx), Math.abs(ay - by))).toBe(1);
    }
    expect(slanted.at(-1)).toBe("6 3");
  });
});

describe("the outline of cells", () => {
  it("is nothing where nothing is painted", () => {
    expect(outlineOf(DEGREES, [])).toBeNull();
  });
  it("of one cell is a closed square, against the clock", () => {
    expect(outlineOf(DEGREES, ["2 3"])).toEqual({
      type: "Polygon",
      coordinates: [
        [
          [2, 3],
          [3, 3],
          [3, 4],
          [2, 4],
          [2, 3],
        ],
      ],
    });
  });
  it("joins cells that share a side, without corners on straight sides", () => {
    const row = outlineOf(DEGREES, ["0 0", "1 0", "2 0"]);
    expect(corners(ringsOf(row)[0]?.[0])).toEqual(["0,0", "0,1", "3,0", "3,1"]);
    const bent = outlineOf(DEGREES, ["0 0", "1 0", "1 1"]);
    expect(corners(ringsOf(bent)[0]?.[0])).toEqual(["0,0", "0,1", "1,1", "1,2", "2,0", "2,2"]);
  });
  it("keeps cells apart that meet at a corner alone", () => {
    const shape = outlineOf(DEGREES, ["0 0", "1 1"]);
    expect(shape?.type).toBe("MultiPolygon");
    expect(ringsOf(shape).map(([outer]) => corners(outer))).toEqual(
      expect.arrayContaining([
        ["0,0", "0,1", "1,0", "1,1"],
        ["1,1", "1,2", "2,1", "2,2"],
      ]),
    );
  });
  it("has a hole where a cell in the middle is left out", () => {
    const ring = [0, 1, 2].flatMap((x) => [0, 1, 2].map((y) => `${x} ${y}`));
    const shape = outlineOf(
      DEGREES,
      ring.filter((cell) => cell !== "1 1"),
    );
    const [[outer, hole] = []] = ringsOf(shape);
    expect(corners(outer)).toEqual(["0,0", "0,3", "3,0", "3,3"]);
    expect(corners(hole)).toEqual(["1,1", "1,2", "2,1", "2,2"]);
    const plane = shape as Polygon;
    expect(isWithin(plane.coordinates[0] ?? [], [1.5, 1.5])).toBe(true);
  });
  it("has two holes that meet at a corner as two rings, none with a corner twice", () => {
    const block = [0, 1, 2, 3].flatMap((x) => [0, 1, 2, 3].map((y) => `${x} ${y}`));
    const shape = outlineOf(
      DEGREES,
      block.filter((cell) => !["1 1", "2 2"].includes(cell)),
    );
    const [rings = []] = ringsOf(shape);
    expect(rings).toHaveLength(3);
    for (const ring of rings) expect(new Set(corners(ring)).size).toBe(ring.length - 1);
    expect(rings.slice(1).map(corners)).toEqual(
      expect.arrayContaining([
        ["1,1", "1,2", "2,1", "2,2"],
        ["2,2", "2,3", "3,2", "3,3"],
      ]),
    );
  });
  it("gives a hole to the outline around it, and an island in the hole its own", () => {
    const frame = [0, 1, 2, 3, 4].flatMap((x) =>
      [0, 1, 2, 3, 4].filter((y) => x % 4 === 0 || y % 4 === 0).map((y) => `${x} ${y}`),
    );
    const shape = outlineOf(DEGREES, [...frame, "2 2"]);
    const polygons = ringsOf(shape);
    expect(polygons.map((rings) => rings.length).sort()).toEqual([1, 2]);
    const [outer, hole] = polygons.find((rings) => rings.length === 2) ?? [];
    expect(corners(outer)).toEqual(["0,0", "0,5", "5,0", "5,5"]);
    expect(corners(hole)).toEqual(["1,1", "1,4", "4,1", "4,4"]);
  });
  it("covers exactly what was painted, whatever it is", () => {
    // A picture of corners, holes and islands; each cell's middle is asked for.
    const picture = ["#.##.##", "##.#.#.", ".###..#", "#.#.###", "##.##.#", ".#.#.##"];
    const cells = picture.flatMap((line, y) =>
      [...line].flatMap((sign, x) => (sign === "#" ? [`${x} ${y}`] : [])),
    );
    const polygons = ringsOf(outlineOf(DEGREES, cells));
    const covered = (x: number, y: number) =>
      polygons.filter((rings) => rings.filter((ring) => isWithin(ring, [x, y])).length % 2 === 1)
        .length;
    for (const [y, line] of picture.entries())
      for (const [x, sign] of [...line].entries())
        expect([x, y, covered(x + 0.5, y + 0.5)]).toEqual([x, y, sign === "#" ? 1 : 0]);
    for (const rings of polygons)
      for (const ring of rings) expect(new Set(corners(ring)).size).toBe(ring.length - 1);
  });
});
