/** A brush: cells of a grid in degrees that are painted, and the polygons they make together. */

import type { MultiPolygon, Polygon, Position } from "geojson";

const METRES_A_DEGREE = 111_320;
const DIGITS = 7;

/** A grid whose cells are nearly square at a latitude. */
export interface Cells {
  dx: number;
  dy: number;
}

/** A grid of cells of so many metres at a latitude. */
export function cellsAt(lat: number, metres: number): Cells {
  const dy = metres / METRES_A_DEGREE;
  return { dx: dy / Math.cos((lat * Math.PI) / 180), dy };
}

const keyOf = (x: number, y: number) => `${x} ${y}`;
const numbersOf = (key: string) => key.split(" ").map(Number) as [number, number];

/** The cells that a stroke from one place to another passes; a place alone paints its own. */
export function strokeOf({ dx, dy }: Cells, from: Position, to: Position = from): string[] {
  const [x0, y0] = [(from[0] ?? 0) / dx, (from[1] ?? 0) / dy];
  const [x1, y1] = [(to[0] ?? 0) / dx, (to[1] ?? 0) / dy];
  // Half a cell a step: no cell is jumped over.
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
  const passed = new Set<string>();
  for (let n = 0; n <= steps; n++) {
    const part = n / steps;
    passed.add(keyOf(Math.floor(x0 + (x1 - x0) * part), Math.floor(y0 + (y1 - y0) * part)));
  }
  return [...passed];
}

interface Edge {
  from: string;
  to: string;
}

/** The outline of painted cells as valid polygons: cells that share a side are one, with holes.
 * Cells that meet at a corner alone are polygons of their own. */
export function outlineOf(
  { dx, dy }: Cells,
  painted: Iterable<string>,
): Polygon | MultiPolygon | null {
  const cells = new Set(painted);
  const rings = ringsOf(edgesOf(cells)).map((ring) => ({ ring, area: signedArea(ring) }));
  const outers = rings
    .filter(({ area }) => area > 0)
    .map((one) => ({ ...one, holes: [] as Ring[] }));
  outers.sort((a, b) => a.area - b.area);
  for (const { ring, area } of rings) {
    if (area > 0) continue;
    // Painted land lies to the left of each edge: it belongs to the smallest outline around it.
    const beside = besideOf(ring);
    outers.find((one) => isWithin(one.ring, beside))?.holes.push(ring);
  }
  const degrees = (ring: Ring): Position[] =>
    [...ring, ring[0] as Corner].map(([x, y]) => [rounded(x * dx), rounded(y * dy)]);
  const polygons = outers.map(({ ring, holes }) => [degrees(ring), ...holes.map(degrees)]);
  const [first] = polygons;
  if (!first) return null;
  return polygons.length === 1
    ? { type: "Polygon", coordinates: first }
    : { type: "MultiPolygon", coordinates: polygons };
}

type Corner = [number, number];
type Ring = Corner[];

const rounded = (degrees: number) => Number(degrees.toFixed(DIGITS));

/** The sides of cells that have no painted neighbour, each with its cell to the left. */
function edgesOf(cells: ReadonlySet<string>): Edge[] {
  const edges: Edge[] = [];
  for (const cell of cells) {
    const [x, y] = numbersOf(cell);
    const corners: Corner[] = [
      [x, y],
      [x + 1, y],
      [x + 1, y + 1],
      [x, y + 1],
    ];
    const beyond: Corner[] = [
      [x, y - 1],
      [x + 1, y],
      [x, y + 1],
      [x - 1, y],
    ];
    for (const [n, neighbour] of beyond.entries()) {
      if (cells.has(keyOf(...neighbour))) continue;
      const [from, to] = [corners[n] as Corner, corners[(n + 1) % 4] as Corner];
      edges.push({ from: keyOf(...from), to: keyOf(...to) });
    }
  }
  return edges;
}

/** Sides linked to rings without a corner that comes twice; straight runs have no corners. */
function ringsOf(edges: readonly Edge[]): Ring[] {
  const ways = new Map<string, Edge[]>();
  for (const edge of edges) ways.set(edge.from, [...(ways.get(edge.from) ?? []), edge]);
  const take = (at: string, came: Edge | undefined): Edge | undefined => {
    const open = ways.get(at) ?? [];
    // Where four ways meet, the left one stays with the cell that is gone round.
    const next =
      came && open.length > 1 ? (open.find((one) => isLeft(came, one)) ?? open[0]) : open[0];
    const left = open.filter((one) => one !== next);
    if (left.length) ways.set(at, left);
    else ways.delete(at);
    return next;
  };
  const rings: Ring[] = [];
  for (let start = ways.keys().next(); !start.done; start = ways.keys().next()) {
    let path = [start.value];
    let came = take(start.value, undefined);
    while (came) {
      const met = path.indexOf(came.to);
      if (met >= 0) {
        rings.push(straightened(path.slice(met).map(numbersOf)));
        path = path.slice(0, met);
      }
      path.push(came.to);
      came = take(came.to, came);
    }
  }
  return rings;
}

function isLeft(came: Edge, next: Edge): boolean {
  const [[ax, ay], [bx, by], [cx, cy]] = [came.from, came.to, next.to].map(numbersOf) as [
    Corner,
    Corner,
    Corner,
  ];
  return (bx - ax) * (cy - by) - (by - ay) * (cx - bx) > 0;
}

function straightened(ring: Ring): Ring {
  return ring.filter(([x, y], n) => {
    const [px, py] = ring.at(n - 1) as Corner;
    const [nx, ny] = ring[(n + 1) % ring.length] as Corner;
    return (x - px) * (ny - y) !== (y - py) * (nx - x);
  });
}

function signedArea(ring: Ring): number {
  return ring.reduce((sum, [x, y], n) => {
    const [nx, ny] = ring[(n + 1) % ring.length] as Corner;
    return sum + x * ny - nx * y;
  }, 0);
}

/** A place in the painted cell to the left of a ring's first side. */
function besideOf(ring: Ring): Corner {
  const [[ax, ay], [bx, by]] = ring as [Corner, Corner];
  const [ux, uy] = [Math.sign(bx - ax), Math.sign(by - ay)];
  return [ax + (ux - uy) / 2, ay + (uy + ux) / 2];
}

/** Whether a place lies within a ring, by the sides that a ray to the east crosses. */
export function isWithin(ring: readonly Position[], [x = 0, y = 0]: Position): boolean {
  let inside = false;
  for (const [n, [ax = 0, ay = 0]] of ring.entries()) {
    const [bx = 0, by = 0] = ring[(n + 1) % ring.length] as Position;
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}
