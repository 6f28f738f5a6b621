/** Files as people drop them: of offices, surveyors and other programs, sound and broken. */

import type { Geometry, Polygon, Position } from "geojson";
import { beforeEach, describe, expect, it } from "vitest";
import { gathered } from "../shapefile";
import { dbf, shp } from "../testing_shapefile";
import { type Content, zip } from "../testing_zip";
import { lang } from "../words";
import { cornerTable, inDegrees, LARGEST_BYTES, readShapes } from "./files";

beforeEach(() => {
  lang.value = "en";
});

const file = (name: string, ...content: Content[]) => new File(content, name);
const read = async (name: string, ...content: Content[]) =>
  (await readShapes(file(name, ...content))).geometries;
const refusal = (name: string, ...content: Content[]) =>
  readShapes(file(name, ...content)).then(
    () => "",
    (error: Error) => error.message,
  );

const RING: Position[] = [
  [118.1, 24.5],
  [118.1, 24.51],
  [118.11, 24.51],
  [118.11, 24.5],
  [118.1, 24.5],
];

/** 地块 and an ending, in GBK. */
const gbk = (ending: string) =>
  new Uint8Array([0xb5, 0xd8, 0xbf, 0xe9, ...new TextEncoder().encode(ending)]);

const ZONE_39 = `PROJCS["CGCS2000_3_Degree_GK_CM_117E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`;
/** EPSG:4548 of (118.1, 24.5) by pyproj 3, and around it. */
const PLANE: Position[] = [
  [611494.7872135354, 2711113.4497072385],
  [611494.7872135354, 2712113.4497072385],
  [612494.7872135354, 2712113.4497072385],
  [611494.7872135354, 2711113.4497072385],
];

describe("a Shapefile of several files", () => {
  it("is read as a zipped one is, by its .prj", async () => {
    const parts = [
      file("地块.shp", shp(PLANE)),
      file("地块.shx", "an index"),
      file("地块.dbf", dbf()),
      file("地块.prj", ZONE_39),
      file("地块.cpg", "GBK"),
    ];
    const [whole, ...others] = await gathered(parts);
    expect(others).toEqual([]);
    const { geometries, plane } = await readShapes(whole as File);
    const [lon, lat] = (geometries[0] as Polygon).coordinates[0]?.[0] ?? [];
    expect([lon?.toFixed(7), lat?.toFixed(7)]).toEqual(["118.1000000", "24.5000000"]);
    expect(plane).toBe(false);
  });
  it("is read without anything but its shapes", async () => {
    const [whole] = await gathered([file("a.SHP", shp(RING))]);
    const { geometries } = await readShapes(whole as File);
    expect((geometries[0] as Polygon).coordinates[0]).toEqual(RING);
  });
});

describe("a zipped Shapefile", () => {
  it("is read with names and texts in GBK", async () => {
    const found = await readShapes(
      file(
        "地块.zip",
        zip([
          [gbk(".shp"), shp(RING)],
          [gbk(".dbf"), dbf()],
        ]),
      ),
    );
    expect(found.geometries).toHaveLength(1);
    expect((found.geometries[0] as Polygon).coordinates[0]).toEqual(RING);
    expect(found.plane).toBe(false);
  });
  it("in plane coordinates becomes degrees by the system that it names", async () => {
    const [shape] = await read(
      "a.zip",
      zip([
        ["a.shp", shp(PLANE)],
        ["a.prj", ZONE_39],
      ]),
    );
    const [lon = 0, lat = 0] = (shape as Polygon).coordinates[0]?.[0] ?? [];
    expect(lon).toBeCloseTo(118.1, 7);
    expect(lat).toBeCloseTo(24.5, 7);
  });
  it("in plane coordinates without a system has yet to be placed", async () => {
    const found = await readShapes(file("a.zip", zip([["a.shp", shp(PLANE)]])));
    expect([found.plane, found.meridian]).toEqual([true, null]);
  });
  it("may hold several layers, in a folder", async () => {
    const two = zip([
      ["a/x.shp", shp(RING)],
      ["a/y.shp", shp(RING)],
      ["a/readme.txt", "-"],
    ]);
    expect(await read("a.zip", two)).toHaveLength(2);
  });
  it.each([
    ["no zip", "PK but no zip"],
    ["a zip without a layer", zip([["readme.txt", "nothing"]])],
    ["half a zip", zip([["a.shp", shp(RING)]]).slice(0, 60)],
    ["nothing", ""],
  ])("that is %s is refused by its name", async (_, content) => {
    expect(await refusal("a.zip", content)).toMatch(/^a\.zip: cannot be read: ./);
  });
});

describe("KML", () => {
  const kml = (inner: string) =>
    `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>${inner}</Document></kml>`;
  const mark = (shape: string) => `<Placemark><name>地块</name>${shape}</Placemark>`;

  it("gives areas, lines and points, heights and all", async () => {
    const found = await read(
      "a.kml",
      kml(
        mark("<Point><coordinates>118.1,24.5,12</coordinates></Point>") +
          mark("<LineString><coordinates>118,24 119,25</coordinates></LineString>") +
          mark(
            "<Polygon><outerBoundaryIs><LinearRing><coordinates>118,24 118,25 119,25 118,24</coordinates></LinearRing></outerBoundaryIs></Polygon>",
          ),
      ),
    );
    expect(found.map(({ type }) => type)).toEqual(["Point", "LineString", "Polygon"]);
    expect((found[0] as { coordinates: Position }).coordinates.slice(0, 2)).toEqual([118.1, 24.5]);
  });
  it("without shapes is refused", async () => {
    expect(await refusal("a.kml", kml("<name>empty</name>"))).toBe("a.kml: holds no shapes");
    expect(await refusal("a.kml", "no markup at all")).toMatch(/^a\.kml: /);
  });
});

describe("DXF", () => {
  /** Pairs of codes and values, as the format has them. */
  const dxf = (...entities: (string | number)[][]) =>
    ["0", "SECTION", "2", "ENTITIES", ...entities.flat(), "0", "ENDSEC", "0", "EOF"].join("\n");
  const polyline = (closed: boolean, corners: readonly Position[]) => [
    ...[0, "LWPOLYLINE", 8, "0", 90, corners.length, 70, closed ? 1 : 0],
    ...corners.flatMap(([x = 0, y = 0]) => [10, x, 20, y]),
  ];

  it("gives closed lines as areas, open ones as lines, and leaves texts", async () => {
    const found = await read(
      "a.dxf",
      dxf(polyline(true, PLANE.slice(0, 3)), polyline(false, PLANE.slice(0, 3)), [
        0,
        "TEXT",
        8,
        "0",
        10,
        0,
        20,
        0,
        40,
        1,
        1,
        "note",
      ]),
    );
    expect(found.map(({ type }) => type)).toEqual(["Polygon", "LineString"]);
    expect((found[0] as Polygon).coordinates[0]).toHaveLength(4);
  });
  it("keeps arcs, and tells what it leaves that may be part of a site", async () => {
    const [a = [], b = []] = PLANE;
    const bulging = [
      ...[0, "LWPOLYLINE", 8, "0", 90, 2, 70, 1],
      ...[10, a[0] ?? 0, 20, a[1] ?? 0, 42, 1, 10, b[0] ?? 0, 20, b[1] ?? 0, 42, 1],
    ];
    const ellipse = [0, "ELLIPSE", 8, "0", 10, 0, 20, 0, 11, 1, 21, 0, 40, 0.5];
    const found = await readShapes(file("a.dxf", dxf(bulging, ellipse)));
    const [circle] = found.geometries as Polygon[];
    expect(circle?.coordinates[0]?.length).toBeGreaterThan(100);
    expect(found.left).toEqual(["ELLIPSE"]);
    expect(await refusal("a.dxf", dxf(ellipse))).toBe(
      "a.dxf: holds no shapes; ELLIPSE are not read",
    );
  });
  it("whose corners are plane says so", async () => {
    const found = await readShapes(file("a.dxf", dxf(polyline(true, PLANE.slice(0, 3)))));
    expect([found.plane, found.meridian]).toEqual([true, null]);
  });
  it("that goes there and back is a line, not an area of nothing", async () => {
    const [a, b] = PLANE as [Position, Position];
    const found = await read("a.dxf", dxf(polyline(true, [a, b, a])));
    expect(found.map(({ type }) => type)).toEqual(["LineString"]);
  });
  it.each([
    ["without entities", dxf()],
    ["that is none", "no drawing"],
    ["that is empty", ""],
  ])("%s is refused by its name", async (_, content) =>
    expect(await refusal("a.dxf", content)).toMatch(/^a\.dxf: ./),
  );
});

describe("GeoJSON", () => {
  const json = (document: unknown) => JSON.stringify(document);
  const point = { type: "Point", coordinates: [118.1, 24.5] };

  it("may gather shapes of several kinds", async () => {
    const gathered = { type: "GeometryCollection", geometries: [point] };
    expect(await read("a.json", json(gathered))).toEqual([gathered]);
    const feature = { type: "Feature", properties: null, geometry: gathered };
    expect(await read("a.json", json(feature))).toEqual([gathered]);
  });
  it("leaves out features without a shape", async () => {
    const features = [null, point].map((geometry) => ({
      type: "Feature",
      properties: {},
      geometry,
    }));
    expect(await read("a.geojson", json({ type: "FeatureCollection", features }))).toEqual([point]);
  });
  it("written north first is turned", async () => {
    const [turned] = await read("a.json", json({ type: "Point", coordinates: [24.5, 118.1] }));
    expect(turned).toEqual(point);
  });
  it.each<[string, unknown]>([
    ["coordinates that are texts", { type: "Point", coordinates: ["118.1", "24.5"] }],
    ["coordinates that are nothing", { type: "Polygon" }],
    ["a line where rings should be", { type: "Polygon", coordinates: RING }],
    ["a place of one number", { type: "LineString", coordinates: [[118], [119]] }],
    ["a hole in a place", { type: "MultiPoint", coordinates: [[118, null]] }],
    ["features that are no list", { type: "FeatureCollection" }],
  ])("with %s is refused by its name", async (_, document) => {
    expect(await refusal("a.json", json(document))).toMatch(/^a\.json: cannot be read: ./);
  });
  it.each<[string, unknown]>([
    ["an empty area", { type: "Polygon", coordinates: [] }],
    ["an empty collection", { type: "GeometryCollection", geometries: [] }],
    ["an unknown kind", { type: "Circle", coordinates: [118, 24] }],
    ["null", null],
    ["a list", [point]],
  ])("of %s holds no shapes", async (_, document) => {
    lang.value = "zh";
    expect(await refusal("a.json", json(document))).toBe("a.json：没有图形");
  });
});

describe("a table of corners", () => {
  const types = (text: string) => cornerTable(text).map(({ type }) => type);
  const ring = (geometry: Geometry | undefined) => (geometry as Polygon).coordinates[0];

  it.each([
    ["blanks after commas", "118.1, 24.5\n118.2, 24.5\n118.2, 24.6"],
    ["a comma at the end", "118.1,24.5,\n118.2,24.5,\n118.2,24.6,"],
    ["blanks around", "  118.1 24.5 \n118.2 24.5  \n 118.2 24.6"],
    ["tabs", "118.1\t24.5\n118.2\t24.5\n118.2\t24.6"],
    ["commas of Chinese keyboards", "118.1，24.5\n118.2，24.5\n118.2，24.6"],
    ["lines of Windows, and empty ones", "118.1,24.5\r\n\r\n118.2,24.5\r\n118.2,24.6\r\n"],
    ["numbers before", "1,118.1,24.5\n2,118.2,24.5\n3,118.2,24.6"],
    ["heights behind", "118.1,24.5,3.2\n118.2,24.5,110\n118.2,24.6,0"],
    ["numbers before, heights behind", "1 118.1 24.5 8\n2 118.2 24.5 9\n3 118.2 24.6 9"],
    ["degrees with minutes", "118°06′,24°30′\n118°12′,24°30′\n118°12′,24°36′"],
    ["a heading", "经度,纬度\n118.1,24.5\n118.2,24.5\n118.2,24.6"],
  ])("may be written with %s", (_, text) =>
    expect(ring(cornerTable(text)[0])).toEqual([
      [118.1, 24.5],
      [118.2, 24.5],
      [118.2, 24.6],
      [118.1, 24.5],
    ]),
  );
  it("of surveyors has numbers before and heights behind", async () => {
    const found = await readShapes(
      file("a.txt", "J1,2722000,39607000,12.5\nJ2,2722000,39608000,13\nJ3,2723000,39608000,12"),
    );
    expect(ring(found.geometries[0])?.[1]).toEqual([39608000, 2722000]);
    expect([found.plane, found.meridian]).toEqual([true, 117]);
  });
  it("is an area for each name of a plot, wherever its lines stand", () => {
    const text = "地块,X,Y\na,118,24\nb,119,25\na,118.1,24\nb,119.1,25\na,118.1,24.1";
    expect(types(text)).toEqual(["Polygon", "LineString"]);
  });
  it("with a corner again at the end of two is a line", () =>
    expect(types("118,24\n118.1,24\n118,24")).toEqual(["LineString"]));
  it.each([
    ["118,24\n118.1,24\n118.2", 3],
    ["X,Y\n118,24\n\n厦门,24.5", 3],
    ["118°75′,24°30′", 1],
  ])("%j is refused by the number of its line", (text, line) =>
    expect(() => cornerTable(text)).toThrow(`line ${line} `),
  );
  it("that is empty, or a heading alone, holds no shapes", async () => {
    expect(await refusal("a.csv", "")).toBe("a.csv: holds no shapes");
    expect(await refusal("a.csv", "X,Y\n")).toBe("a.csv: holds no shapes");
  });
});

it("a file that is too large is refused before it is read, with what to do", async () => {
  const large = file("a.json", new Uint8Array(LARGEST_BYTES + 1));
  await expect(readShapes(large)).rejects.toThrow("a.json: 20.0 MiB, at most 20.0 MiB; import");
});

it("endings of names may be in capitals", async () =>
  expect(await read("A.CSV", "118 24")).toEqual([{ type: "Point", coordinates: [118, 24] }]));

it("plane coordinates with the number of their zone are the same place", async () => {
  const at = (east: number): Geometry => ({ type: "Point", coordinates: [east, 2711113.4497] });
  const [with39, without] = await inDegrees([at(39_611_494.7872), at(611_494.7872)], 117);
  expect(with39).toEqual(without);
});
