import type { Polygon } from "geojson";
import { beforeEach, describe, expect, it } from "vitest";
import { lang } from "../words";
import { moved } from "./bounds";
import { cornerTable, dxfShapes, inDegrees, isNorthFirst, readShapes } from "./files";

beforeEach(() => {
  lang.value = "zh";
});

const file = (name: string, content: string | Uint8Array<ArrayBuffer>) => new File([content], name);

describe("readShapes", () => {
  it("reads features, collections and bare geometries of GeoJSON", async () => {
    const point = { type: "Point", coordinates: [118, 24] };
    const feature = { type: "Feature", geometry: point, properties: {} };
    const texts = [point, feature, { type: "FeatureCollection", features: [feature] }];
    for (const one of texts) {
      const { geometries, plane } = await readShapes(file("a.geojson", JSON.stringify(one)));
      expect(geometries).toEqual([point]);
      expect(plane).toBe(false);
    }
  });

  it("knows plane coordinates and their zone", async () => {
    const found = await readShapes(
      file("a.csv", "1,2722000,39607000\n2,2722000,39608000\n3,2723000,39608000"),
    );
    expect(found.plane).toBe(true);
    expect(found.meridian).toBe(117);
    const [ring] = (found.geometries[0] as Polygon).coordinates;
    // Surveyors write north first; GeoJSON has east first.
    expect(ring?.[0]).toEqual([39607000, 2722000]);
  });

  it("reads tables in GBK", async () => {
    // 地块,X,Y in GBK.
    const heading = [0xb5, 0xd8, 0xbf, 0xe9, 0x2c, 0x58, 0x2c, 0x59, 0x0a];
    const rows = new TextEncoder().encode("a,118,24\na,118.1,24\na,118.1,24.1\nb,118.5,24.5\n");
    const { geometries } = await readShapes(file("a.csv", new Uint8Array([...heading, ...rows])));
    expect(geometries.map(({ type }) => type)).toEqual(["Polygon", "Point"]);
  });

  it.each([
    ["a.exe", "只接受"],
    ["a.geojson", "没有图形"],
    ["b.json", "没有图形"],
  ])("%s is refused by its name", async (name, why) => {
    const refusal = await readShapes(file(name, "{}")).catch((error: Error) => error.message);
    expect(refusal).toContain(name);
    expect(refusal).toContain(why);
  });

  it("what cannot be read is refused with the reason", async () => {
    await expect(readShapes(file("a.geojson", "{"))).rejects.toThrow("a.geojson：无法读取");
    await expect(readShapes(file("a.csv", "1,2\nx,y"))).rejects.toThrow("第 2 行");
  });
});

describe("dxfShapes", () => {
  const vertices = [
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 1, y: 1 },
  ];

  it("closed polylines are areas", () =>
    expect(dxfShapes([{ type: "LWPOLYLINE", vertices, shape: true }])).toEqual([
      {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      },
    ]));

  it("open ones are lines", () =>
    expect(dxfShapes([{ type: "LWPOLYLINE", vertices }])[0]?.type).toBe("LineString"));

  it("points are points, and other entities nothing", () =>
    expect(dxfShapes([{ type: "POINT", position: { x: 1, y: 2 } }, { type: "TEXT" }])).toEqual([
      { type: "Point", coordinates: [1, 2] },
    ]));
});

it("a table with few corners is a point or a line", () => {
  expect(cornerTable("118 24")[0]?.type).toBe("Point");
  expect(cornerTable("118 24\n119 25")[0]?.type).toBe("LineString");
});

it.each([
  [2722000, 607000, true],
  [607000, 2722000, false],
  [24.5, 118, true],
  [118, 24.5, false],
])("of %d, %d the first is north: %s", (a, b, north) => expect(isNorthFirst(a, b)).toBe(north));

it("plane coordinates become degrees", async () => {
  // EPSG:4548 to EPSG:4490 by pyproj 3.
  const plane = { type: "Point" as const, coordinates: [611494.7872135354, 2711113.4497072385] };
  const [place] = await inDegrees([plane], 117);
  expect((place as typeof plane).coordinates[0]).toBeCloseTo(118.1, 8);
  expect((place as typeof plane).coordinates[1]).toBeCloseTo(24.5, 8);
});

it("each position of all parts is moved", () =>
  expect(
    moved(
      {
        type: "GeometryCollection",
        geometries: [
          {
            type: "MultiPoint",
            coordinates: [
              [1, 2],
              [3, 4],
            ],
          },
        ],
      },
      ([x = 0, y = 0]) => [y, x],
    ),
  ).toEqual({
    type: "GeometryCollection",
    geometries: [
      {
        type: "MultiPoint",
        coordinates: [
          [2, 1],
          [4, 3],
        ],
      },
    ],
  }));
