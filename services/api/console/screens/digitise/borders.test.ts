import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import type { Drawable } from "../../kit/map/draw";
import { areaOf } from "../../kit/map/geodesy";
import { bordersOf, following } from "./borders";

const line = (...coordinates: Position[]): Drawable => ({ type: "LineString", coordinates });
const area = (...coordinates: Position[]): Drawable => ({
  type: "Polygon",
  coordinates: [[...coordinates, coordinates[0] as Position]],
});
const ring = (...corners: Position[]) => [...corners, corners[0] as Position];

/** A coast with many bends between two capes; its area goes a long way round inland. */
const WEST: Position = [118, 24];
const EAST: Position = [118.04, 24];
const BENDS: Position[] = [
  [118.01, 23.999],
  [118.02, 24.001],
  [118.025, 23.999],
  [118.03, 24.0005],
];
const COAST = ring(WEST, ...BENDS, EAST, [118.04, 24.5], [118, 24.5]);

describe("the shorter way round a ring", () => {
  it("is so in metres, however many bends it has", () => {
    expect(following(line(WEST, EAST), [COAST])).toEqual(line(WEST, ...BENDS, EAST));
    expect(following(line(EAST, WEST), [COAST])).toEqual(line(EAST, ...BENDS.toReversed(), WEST));
  });
  it("is the same wherever the ring begins", () => {
    const open = COAST.slice(0, -1);
    for (let start = 0; start < open.length; start++) {
      const turned = ring(...open.slice(start), ...open.slice(0, start));
      expect(following(line(WEST, EAST), [turned])).toEqual(line(WEST, ...BENDS, EAST));
      const back = line(EAST, ...BENDS.toReversed(), WEST);
      expect(following(line(EAST, WEST), [turned])).toEqual(back);
    }
  });
  it("is the same whichever way the ring runs", () => {
    const back = COAST.toReversed();
    expect(following(line(WEST, EAST), [back])).toEqual(line(WEST, ...BENDS, EAST));
    expect(following(line(EAST, WEST), [back])).toEqual(line(EAST, ...BENDS.toReversed(), WEST));
  });
  it("counts a degree of longitude for less in the north", () => {
    // Along the parallel of 60° half as far as it looks in degrees.
    const north = ring([100, 60], [101.2, 60], [101.2, 60.8], [100, 60.8]);
    const [from, to]: [Position, Position] = [
      [100, 60],
      [101.2, 60.8],
    ];
    expect(following(line(from, to), [north])).toEqual(line(from, [100, 60.8], to));
  });
  it("is no way at all between corners that are next to each other", () => {
    const next = BENDS[0] as Position;
    expect(following(line(WEST, next), [COAST])).toEqual(line(WEST, next));
    expect(following(line([118, 24.5], WEST), [COAST])).toEqual(line([118, 24.5], WEST));
  });
  it("is none for a corner that was set twice, where the ring begins too", () => {
    expect(following(line(WEST, WEST, [117, 23]), [COAST])).toEqual(line(WEST, WEST, [117, 23]));
  });
});

describe("a border that two areas share", () => {
  const neighbour = ring(WEST, ...BENDS, EAST, [118.04, 23.6], [118, 23.6]);

  it("is followed alike, whichever of the two is asked", () => {
    const wanted = line(WEST, ...BENDS, EAST);
    expect(following(line(WEST, EAST), [COAST, neighbour])).toEqual(wanted);
    expect(following(line(WEST, EAST), [neighbour, COAST])).toEqual(wanted);
  });
  it("leaves no gap and no overlap to an area that is drawn along it", () => {
    const drawn = following(area(WEST, EAST, [118.04, 23.6], [118, 23.6]), [COAST]);
    expect(drawn.type === "Polygon" && drawn.coordinates[0]).toEqual(neighbour);
    const sum = areaOf(neighbour) + areaOf(COAST);
    const both = ring(WEST, [118, 24.5], [118.04, 24.5], EAST, [118.04, 23.6], [118, 23.6]);
    expect(sum / areaOf(both)).toBeCloseTo(1, 9);
  });
  it("is the new one once the neighbour has been moved: nothing of the old one is left", () => {
    const moved = BENDS.map(([lon = 0, lat = 0]): Position => [lon, lat + 0.01]);
    const now = ring(WEST, ...moved, EAST, [118.04, 24.5], [118, 24.5]);
    expect(following(line(WEST, EAST), [now])).toEqual(line(WEST, ...moved, EAST));
    // The old corners lie on no border any more: they stay as they were drawn.
    const before = line(WEST, ...BENDS, EAST);
    expect(following(before, [now])).toEqual(before);
  });
  it("is not jumped to from one border to another", () => {
    const elsewhere = ring([119, 24], [119.1, 24], [119.1, 24.1], [119, 24.2], [118.9, 24.1]);
    const across = line(BENDS[0] as Position, [119, 24.2]);
    expect(following(across, [COAST, elsewhere])).toEqual(across);
  });
  it("is followed to the last digit that is drawn, not to the next metre", () => {
    const near = line([118.000000001, 24], EAST);
    expect(following(near, [COAST])).toMatchObject({ coordinates: { length: BENDS.length + 2 } });
    const off = line([118.00001, 24], EAST);
    expect(following(off, [COAST])).toEqual(off);
  });
});

describe("lines that are no rings", () => {
  const river: Position[] = [WEST, ...BENDS, EAST];

  it("have one way between two places, be it long", () => {
    expect(following(line(EAST, WEST), [river])).toEqual(line(EAST, ...BENDS.toReversed(), WEST));
  });
  it("are followed for a part", () => {
    const [first, second, third] = BENDS as [Position, Position, Position];
    expect(following(line(first, third), [river])).toEqual(line(first, second, third));
  });
});

describe("what is drawn", () => {
  it("may go along several borders, and freely between them", () => {
    const inland = ring([118, 25], [118.02, 25.001], [118.04, 25], [118.02, 26]);
    const drawn = line(WEST, EAST, [118.1, 24.7], [118.04, 25], [118, 25]);
    expect(following(drawn, [COAST, inland])).toEqual(
      line(WEST, ...BENDS, EAST, [118.1, 24.7], [118.04, 25], [118.02, 25.001], [118, 25]),
    );
  });
  it("is followed in its holes as well", () => {
    const outer = ring([117, 23], [119, 23], [119, 25], [117, 25]);
    const hole = ring(WEST, EAST, [118.02, 24.1]);
    const drawn = following({ type: "Polygon", coordinates: [outer, hole] }, [COAST]);
    expect(drawn).toEqual({
      type: "Polygon",
      coordinates: [outer, ring(WEST, ...BENDS, EAST, [118.02, 24.1])],
    });
  });
  it("as a point stays where it is, and nothing changes where there are no borders", () => {
    const point: Drawable = { type: "Point", coordinates: WEST };
    expect(following(point, [COAST])).toBe(point);
    expect(following(line(WEST, EAST), [])).toEqual(line(WEST, EAST));
  });
  it("is followed twice to no other end", () => {
    const once = following(area(WEST, EAST, [118.04, 23.6]), [COAST]);
    expect(following(once, [COAST])).toEqual(once);
  });
  it("leaves the borders and the drawing themselves as they were", () => {
    const [drawn, border] = [line(EAST, WEST), structuredClone(COAST)];
    following(drawn, [border]);
    expect(drawn).toEqual(line(EAST, WEST));
    expect(border).toEqual(COAST);
  });
});

describe("borders of what there is", () => {
  it("have holes as well, and each part of a mixture", () => {
    const holed = [ring([0, 0], [9, 0], [9, 9]), ring([5, 1], [6, 1], [6, 2])];
    const borders = bordersOf([
      { type: "Polygon", coordinates: holed },
      {
        type: "GeometryCollection",
        geometries: [
          { type: "MultiLineString", coordinates: [[WEST, EAST], BENDS] },
          { type: "MultiPoint", coordinates: BENDS },
        ],
      },
    ]);
    expect(borders).toEqual([...holed, [WEST, EAST], BENDS]);
  });
});
