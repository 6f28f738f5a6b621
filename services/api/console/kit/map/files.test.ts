import type { LineString, Polygon } from "geojson";
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

  const areaOf = (ring: number[][]) =>
    ring.slice(0, -1).reduce((sum, [x = 0, y = 0], n) => {
      const [a = 0, b = 0] = ring[n + 1] ?? [];
      return sum + (x * b - a * y) / 2;
    }, 0);
  it.each([
    // A half circle of radius 1 on the side of a square of 2, outside it and inside.
    [1, 4 + Math.PI / 2],
    [-1, 4 - Math.PI / 2],
    // A quarter of a circle of radius √2: the segment beyond its chord.
    [Math.tan(Math.PI / 8), 4 + Math.PI / 2 - 1],
  ])("a side that bulges by %d is an arc", (bulge, expected) => {
    const corners = [
      { x: 0, y: 0, bulge },
      { x: 2, y: 0 },
      { x: 2, y: 2 },
      { x: 0, y: 2 },
    ];
    const [found] = dxfShapes([{ type: "LWPOLYLINE", vertices: corners, shape: true }]);
    const ring = (found as Polygon).coordinates[0] ?? [];
    expect(areaOf(ring) / expected).toBeCloseTo(1, 3);
    // An arc that turns left bulges to the right of its chord: below, here.
    expect(Math.min(...ring.map(([, y]) => y ?? 0)) < 0).toBe(bulge > 0);
  });

  it("the last side of a closed polyline may be an arc, too", () => {
    const half = [
      { x: 0, y: 0 },
      { x: 2, y: 0, bulge: 1 },
    ];
    const [found] = dxfShapes([{ type: "LWPOLYLINE", vertices: half, shape: true }]);
    expect(areaOf((found as Polygon).coordinates[0] ?? [])).toBeCloseTo(Math.PI / 2, 2);
  });

  it("circles are areas, and arcs lines the short or the long way round", () => {
    const center = { x: 5, y: 5 };
    const [circle, arc] = dxfShapes([
      { type: "CIRCLE", center, radius: 2 },
      { type: "ARC", center, radius: 2, startAngle: (3 * Math.PI) / 2, endAngle: Math.PI / 2 },
    ]);
    expect(areaOf((circle as Polygon).coordinates[0] ?? [])).toBeCloseTo(4 * Math.PI, 1);
    const line = (arc as LineString).coordinates;
    expect(line[0]?.[1]).toBeCloseTo(3);
    expect(line.at(-1)?.[1]).toBeCloseTo(7);
    // Through the east.
    expect(Math.max(...line.map(([x = 0]) => x))).toBeCloseTo(7);
  });

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
