/** Shapes out of files that people have: read in the browser, so that no file leaves it. */

import type { FeatureCollection, Geometry, Position } from "geojson";
import { bytes } from "../format";
import { PARTS } from "../shapefile";
import { t } from "../words";
import { endOfZip } from "../zip";
import { eachPosition, moved } from "./bounds";
import { degreesIn, shapeOf } from "./coordinates";

/** Larger ones are for the imports. */
export const LARGEST_BYTES = 20 * 1024 * 1024;
export const ACCEPTED = `.geojson,.json,.kml,.zip,${PARTS},.dxf,.csv,.txt`;

export interface Shapes {
  geometries: Geometry[];
  /** Plane coordinates, whose central meridian has to be known before they are places. */
  plane: boolean;
  /** The central meridian, where the coordinates tell it by the number of their zone. */
  meridian: number | null;
  /** Kinds of entities of a drawing that hold shapes and are not read. */
  left: string[];
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
        `${file.name}：只接受 GeoJSON、KML、Shapefile（压缩包，或连同 .shp 的各文件）、DXF 和角点表（CSV）`,
        `${file.name}: GeoJSON, KML, a Shapefile (zipped, or its files with the .shp), DXF or corner points (CSV) are read`,
      ),
    );
  }
  let geometries: Geometry[];
  const left = new Set<string>();
  try {
    geometries = (await reader(file, left)).filter(isSound);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(t(`${file.name}：无法读取：${why}`, `${file.name}: cannot be read: ${why}`));
  }
  if (!geometries.length) {
    const kinds = left.size ? t(`，${[...left]} 不读取`, `; ${[...left]} are not read`) : "";
    throw new Error(t(`${file.name}：没有图形${kinds}`, `${file.name}: holds no shapes${kinds}`));
  }
  return { geometries: geometries.map(northUp), left: [...left], ...systemOf(geometries) };
}

const READERS: Record<string, (file: File, left: Set<string>) => Promise<Geometry[]>> = {
  geojson: async (file) => geometriesOf(JSON.parse(await file.text())),
  json: async (file) => geometriesOf(JSON.parse(await file.text())),
  kml: async (file) => {
    const { kml } = await import("@tmcw/togeojson");
    const document = new DOMParser().parseFromString(await file.text(), "text/xml");
    return geometriesOf(kml(document));
  },
  zip: async (file) => {
    const { default: shp } = await import("shpjs");
    const content = await file.arrayBuffer();
    // The library seeks the end without end where there is none.
    if (endOfZip(new DataView(content)) < 0) throw new Error(t("不是完整的压缩包", "no whole zip"));
    const layers = await shp(content);
    return [layers].flat().flatMap(geometriesOf);
  },
  dxf: async (file, left) => {
    const { default: DxfParser } = await import("dxf-parser");
    const entities = new DxfParser().parseSync(await textOf(file))?.entities ?? [];
    for (const { type } of entities) if (DXF_LEFT.has(type)) left.add(type);
    return dxfShapes(entities);
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
  if (type === "GeometryCollection" || (type && type in DEPTHS)) return [document as Geometry];
  return [];
}

/** How many lists stand around the positions of a geometry. */
const DEPTHS: Record<string, number> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

/** Whether a geometry holds positions; none is a shape without any.
 * @throws Error where its coordinates are no numbers. */
function isSound(geometry: Geometry): boolean {
  if (geometry.type === "GeometryCollection") return geometry.geometries.some(isSound);
  const places = [geometry.coordinates].flat(DEPTHS[geometry.type]) as unknown[];
  for (const place of places) {
    const [a, b] = Array.isArray(place) ? place : [];
    if (!Number.isFinite(a) || !Number.isFinite(b))
      throw new Error(
        t(`${geometry.type} 的坐标不是数字`, `coordinates of a ${geometry.type} are no numbers`),
      );
  }
  return places.length > 0;
}

interface DxfEntity {
  type: string;
  /** `bulge`: the tangent of a quarter of the angle of the arc to the next one, left of it. */
  vertices?: { x: number; y: number; bulge?: number }[];
  position?: { x: number; y: number };
  shape?: boolean;
  center?: { x: number; y: number };
  radius?: number;
  /** Radians. */
  startAngle?: number;
  endAngle?: number;
}

/** Entities that could be a part of a site, and that no shape is made of. */
const DXF_LEFT = new Set(["ELLIPSE", "SPLINE", "INSERT", "HATCH", "3DFACE", "SOLID"]);
/** Arcs become chords of at most this angle: their area is right to a few ten-thousandths. */
const CHORD = Math.PI / 90;

/** Closed polylines and circles are areas, open ones and arcs lines. */
export function dxfShapes(entities: readonly DxfEntity[]): Geometry[] {
  return entities.flatMap((entity): Geometry[] => {
    const { type, vertices, position, shape } = entity;
    if (type === "POINT" && position)
      return [{ type: "Point", coordinates: [position.x, position.y] }];
    const around = aroundCentre(entity);
    const line = around ?? alongBulges(vertices ?? [], shape ?? false);
    const [first, last] = [line[0], line.at(-1)];
    const closes = first?.[0] === last?.[0] && first?.[1] === last?.[1];
    const area = shape || closes ? shapeOf("polygon", line) : null;
    return [area ?? shapeOf("linestring", line)].filter((one) => one !== null);
  });
}

/** The positions of a circle or an arc. */
function aroundCentre({ type, center, radius, startAngle, endAngle }: DxfEntity) {
  if ((type !== "CIRCLE" && type !== "ARC") || !center || !radius) return null;
  const from = type === "CIRCLE" ? 0 : (startAngle ?? 0);
  const turn = type === "CIRCLE" ? 2 * Math.PI : (endAngle ?? 0) - from;
  const found = arc(center, radius, from, turn > 0 ? turn : turn + 2 * Math.PI);
  return type === "CIRCLE" ? [...found.slice(0, -1), found[0] as Position] : found;
}

/** The positions of a polyline, whose sides may be arcs. */
function alongBulges(vertices: NonNullable<DxfEntity["vertices"]>, closed: boolean): Position[] {
  return vertices.flatMap((here, n): Position[] => {
    const next = vertices[n + 1] ?? (closed ? vertices[0] : undefined);
    const own: Position = [here.x, here.y];
    if (!here.bulge || !next) return [own];
    const angle = 4 * Math.atan(here.bulge);
    const [dx, dy] = [next.x - here.x, next.y - here.y];
    // From the middle of the chord to the centre, as a share of the chord turned left.
    const aside = (1 - here.bulge ** 2) / (4 * here.bulge);
    const center = {
      x: (here.x + next.x) / 2 - aside * dy,
      y: (here.y + next.y) / 2 + aside * dx,
    };
    const radius = Math.hypot(here.x - center.x, here.y - center.y);
    const from = Math.atan2(here.y - center.y, here.x - center.x);
    return [own, ...arc(center, radius, from, angle).slice(1, -1)];
  });
}

function arc(center: { x: number; y: number }, radius: number, from: number, turn: number) {
  const chords = Math.max(2, Math.ceil(Math.abs(turn) / CHORD));
  return Array.from({ length: chords + 1 }, (_, n): Position => {
    const angle = from + (turn * n) / chords;
    return [center.x + radius * Math.cos(angle), center.y + radius * Math.sin(angle)];
  });
}

/** Corner points in a table: two columns of coordinates, with others such as names and heights.
 * Another name in a column titled 地块, 图斑, ring, parcel or plot is another area.
 * @throws Error naming the line that has no two coordinates. */
export function cornerTable(text: string): Geometry[] {
  const rows = text
    .split(/\r?\n/)
    .map((line) =>
      line
        .trim()
        .replace(/[,;，；]$/, "")
        .split(/ *[,;，；\t] *| +/),
    )
    .filter((cells) => cells.some(Boolean));
  const rings = new Map<string, Position[]>();
  const heading = rows[0]?.every((cell) => Number.isNaN(degreesIn(cell)))
    ? rows.shift()
    : undefined;
  const named = heading?.findIndex((cell) => /地块|图斑|ring|parcel|plot/i.test(cell)) ?? -1;
  const figures = rows.map((cells) => cells.map(degreesIn));
  const at = pairIn(figures);
  for (const [n, cells] of rows.entries()) {
    const [a = Number.NaN, b = Number.NaN] = (figures[n] ?? []).slice(at, at + 2 || undefined);
    if (Number.isNaN(a) || Number.isNaN(b)) {
      const line = n + 1 + (heading ? 1 : 0);
      throw new Error(t(`第 ${line} 行没有两个坐标`, `line ${line} has no two coordinates`));
    }
    const ring = named >= 0 ? (cells[named] ?? "") : "";
    rings.set(ring, [...(rings.get(ring) ?? []), [a, b]]);
  }
  return [...rings.values()].map((corners): Geometry => {
    const shape = shapeOf("polygon", corners) ?? shapeOf("linestring", corners);
    return shape ?? { type: "Point", coordinates: corners[0] as Position };
  });
}

/** The first of two columns that hold a place of China in every row: numbers of points stand before
 * them, heights after; the last two where no columns do. */
function pairIn(figures: readonly number[][]): number {
  const width = Math.min(...figures.map((row) => row.length));
  for (let at = 0; at + 1 < width; at++)
    if (figures.every((row) => isPlace(row[at] ?? 0, row[at + 1] ?? 0))) return at;
  return -2;
}

function isPlace(a: number, b: number): boolean {
  const [east, north] = isNorthFirst(a, b) ? [b, a] : [a, b];
  if (Math.abs(east) <= 180) return east > 70 && east < 140 && north > 3 && north < 55;
  return north > 300_000 && north < 7_000_000 && east > 100_000;
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
