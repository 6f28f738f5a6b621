/** Shapes out of files that people have: read in the browser, so that no file leaves it. */

import type { FeatureCollection, Geometry, Position } from "geojson";
import { bytes } from "../format";
import { t } from "../words";
import { eachPosition } from "./bounds";
import { degreesIn } from "./coordinates";

/** Larger ones are for the imports. */
export const LARGEST_BYTES = 20 * 1024 * 1024;
export const ACCEPTED = ".geojson,.json,.kml,.zip,.dxf,.csv,.txt";

export interface Shapes {
  geometries: Geometry[];
  /** Plane coordinates, whose central meridian has to be known before they are places. */
  plane: boolean;
  /** The central meridian, where the coordinates tell it by the number of their zone. */
  meridian: number | null;
}

/** Read the shapes of a file.
 * @throws Error saying what is wrong with the file, in words. */
export async function readShapes(file: File): Promise<Shapes> {
  if (file.size > LARGEST_BYTES) {
    const [size, most] = [bytes(file.size), bytes(LARGEST_BYTES)];
    throw new Error(
      t(
        `${file.name}：${size}，最大 ${most}；更大的请导入`,
        `${file.name}: ${size}, at most ${most}; import larger ones`,
      ),
    );
  }
  const reader = READERS[file.name.split(".").at(-1)?.toLowerCase() ?? ""];
  if (!reader) {
    throw new Error(
      t(
        `${file.name}：只接受 GeoJSON、KML、Shapefile 压缩包、DXF 和角点表（CSV）`,
        `${file.name}: GeoJSON, KML, a zipped Shapefile, DXF or corner points (CSV) are read`,
      ),
    );
  }
  let geometries: Geometry[];
  try {
    geometries = await reader(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(t(`${file.name}：无法读取：${why}`, `${file.name}: cannot be read: ${why}`));
  }
  if (!geometries.length) {
    throw new Error(t(`${file.name}：没有图形`, `${file.name}: holds no shapes`));
  }
  return { geometries: geometries.map(northUp), ...systemOf(geometries) };
}

const READERS: Record<string, (file: File) => Promise<Geometry[]>> = {
  geojson: async (file) => geometriesOf(JSON.parse(await file.text())),
  json: async (file) => geometriesOf(JSON.parse(await file.text())),
  kml: async (file) => {
    const { kml } = await import("@tmcw/togeojson");
    const document = new DOMParser().parseFromString(await file.text(), "text/xml");
    return geometriesOf(kml(document));
  },
  zip: async (file) => {
    const { default: shp } = await import("shpjs");
    const layers = await shp(await file.arrayBuffer());
    return [layers].flat().flatMap(geometriesOf);
  },
  dxf: async (file) => {
    const { default: DxfParser } = await import("dxf-parser");
    return dxfShapes(new DxfParser().parseSync(await textOf(file))?.entities ?? []);
  },
  csv: async (file) => cornerTable(await textOf(file)),
  txt: async (file) => cornerTable(await textOf(file)),
};

/** Text in UTF-8, or in GBK, which office programs of China write. */
async function textOf(file: File): Promise<string> {
  const content = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return new TextDecoder("gbk").decode(content);
  }
}

function geometriesOf(document: unknown): Geometry[] {
  const { type } = (document ?? {}) as { type?: string };
  if (type === "FeatureCollection") {
    return (document as FeatureCollection).features.flatMap(geometriesOf);
  }
  if (type === "Feature") {
    const { geometry } = document as { geometry: Geometry | null };
    return geometry ? [geometry] : [];
  }
  return type &&
    type in
      { Point: 0, MultiPoint: 0, LineString: 0, MultiLineString: 0, Polygon: 0, MultiPolygon: 0 }
    ? [document as Geometry]
    : [];
}

interface DxfEntity {
  type: string;
  vertices?: { x: number; y: number }[];
  position?: { x: number; y: number };
  shape?: boolean;
}

/** Closed polylines are areas, open ones lines. */
export function dxfShapes(entities: readonly DxfEntity[]): Geometry[] {
  return entities.flatMap(({ type, vertices, position, shape }): Geometry[] => {
    if (type === "POINT" && position)
      return [{ type: "Point", coordinates: [position.x, position.y] }];
    const line = vertices?.map(({ x, y }): Position => [x, y]) ?? [];
    const [first, second, third] = line;
    if (!first || !second) return [];
    const last = line.at(-1) as Position;
    const closes = first[0] === last[0] && first[1] === last[1];
    if (third && (shape || (closes && line.length > 3))) {
      return [{ type: "Polygon", coordinates: [closes ? line : [...line, first]] }];
    }
    return [{ type: "LineString", coordinates: line }];
  });
}

/** Corner points in a table: two columns of coordinates, and a column of names or rings before them.
 * A change of the name in a column titled 地块, 块 or ring begins another area. */
export function cornerTable(text: string): Geometry[] {
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.split(/[,;\t]|\s{1,}/).map((cell) => cell.trim()))
    .filter((cells) => cells.some(Boolean));
  const rings = new Map<string, Position[]>();
  const heading = rows[0]?.every((cell) => Number.isNaN(degreesIn(cell)))
    ? rows.shift()
    : undefined;
  const named = heading?.findIndex((cell) => /地块|图斑|ring|parcel|plot/i.test(cell)) ?? -1;
  for (const [n, cells] of rows.entries()) {
    const numbers = cells.map(degreesIn);
    const pair = numbers.slice(-2);
    // A point's number stands before its coordinates; a third column of heights is told by its size.
    const [a, b] = pair as [number, number];
    if (pair.length < 2 || Number.isNaN(a) || Number.isNaN(b)) {
      const line = n + 1 + (heading ? 1 : 0);
      throw new Error(t(`第 ${line} 行没有两个坐标`, `line ${line} has no two coordinates`));
    }
    const ring = named >= 0 ? (cells[named] ?? "") : "";
    rings.set(ring, [...(rings.get(ring) ?? []), [a, b]]);
  }
  return [...rings.values()].map((corners): Geometry => {
    const first = corners[0] as Position;
    if (corners.length === 1) return { type: "Point", coordinates: first };
    if (corners.length === 2) return { type: "LineString", coordinates: corners };
    const last = corners.at(-1) as Position;
    const closed = first[0] === last[0] && first[1] === last[1];
    return { type: "Polygon", coordinates: [closed ? corners : [...corners, first]] };
  });
}

/** Whether a pair is north before east, as surveyors of China write it: x is north. */
export function isNorthFirst(a: number, b: number): boolean {
  if (Math.abs(a) <= 180 && Math.abs(b) <= 180) return Math.abs(b) > 90;
  const isNorth = (value: number) => value > 1_000_000 && value < 7_000_000;
  return isNorth(a) && !isNorth(b);
}

function northUp(geometry: Geometry): Geometry {
  let swap = false;
  eachPosition(geometry, ([a = 0, b = 0]) => {
    swap ||= isNorthFirst(a, b);
  });
  return swap ? moved(geometry, ([a = 0, b = 0]) => [b, a]) : geometry;
}

/** The geometry with each position moved. */
export function moved(geometry: Geometry, move: (at: Position) => Position): Geometry {
  if (geometry.type === "GeometryCollection") {
    return { ...geometry, geometries: geometry.geometries.map((one) => moved(one, move)) };
  }
  const walk = (part: unknown): unknown =>
    typeof (part as unknown[])[0] === "number"
      ? move(part as Position)
      : (part as unknown[]).map(walk);
  return { ...geometry, coordinates: walk(geometry.coordinates) } as Geometry;
}

function systemOf(geometries: readonly Geometry[]): Pick<Shapes, "plane" | "meridian"> {
  let plane = false;
  let zone = 0;
  for (const geometry of geometries) {
    eachPosition(geometry, ([a = 0, b = 0]) => {
      plane ||= Math.abs(a) > 180 || Math.abs(b) > 180;
      const prefix = Math.floor(Math.max(a, b) / 1_000_000);
      if (prefix >= 25 && prefix <= 45) zone = prefix;
    });
  }
  return { plane, meridian: zone ? zone * 3 : null };
}

/** Plane coordinates of the CGCS2000 3-degree zone of a central meridian as degrees. */
export async function inDegrees(
  geometries: readonly Geometry[],
  meridian: number,
): Promise<Geometry[]> {
  const { default: proj4 } = await import("proj4");
  // The ellipsoid of CGCS2000 has GRS80's flattening to a tenth of a micrometre of its half axis.
  const plane = `+proj=tmerc +lat_0=0 +lon_0=${meridian} +k=1 +x_0=500000 +y_0=0 +a=6378137 +rf=298.257222101 +no_defs`;
  const { forward } = proj4(plane, "+proj=longlat +a=6378137 +rf=298.257222101 +no_defs");
  return geometries.map((geometry) =>
    moved(geometry, ([east = 0, north = 0]) => {
      const [lon, lat] = forward([east % 1_000_000, north]);
      return [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
    }),
  );
}
