/** Borders that are there: lines to be near to, and to be followed corner by corner. */

import type { Geometry, Position } from "geojson";
import type { Drawable } from "../../kit/map/draw";
import { partsOf } from "../../kit/map/shapes";

/** The lines and rings of geometries. */
export function bordersOf(shapes: readonly (Geometry | null)[]): Position[][] {
  return shapes.flatMap(partsOf).flatMap((part) => {
    if (part.type === "Polygon") return part.coordinates;
    return part.type === "LineString" ? [part.coordinates] : [];
  });
}

const keyOf = ([lon = 0, lat = 0]: Position) => `${lon.toFixed(8)} ${lat.toFixed(8)}`;
const same = (a: Position | undefined, b: Position | undefined) =>
  a !== undefined && b !== undefined && keyOf(a) === keyOf(b);

/** A shape that runs along the borders: where two corners in turn lie on one border, those between
 * them are taken over, on the shorter way round a ring. */
export function following(shape: Drawable, borders: readonly (readonly Position[])[]): Drawable {
  if (shape.type === "Point") return shape;
  const places = indexOf(borders);
  const along = (line: readonly Position[]) =>
    line.flatMap((corner, n) => {
      const next = line[n + 1];
      return next ? [corner, ...between(corner, next, borders, places)] : [corner];
    });
  return shape.type === "LineString"
    ? { ...shape, coordinates: along(shape.coordinates) }
    : { ...shape, coordinates: shape.coordinates.map(along) };
}

type Places = Map<string, [border: number, at: number][]>;

function indexOf(borders: readonly (readonly Position[])[]): Places {
  const places: Places = new Map();
  borders.forEach((border, n) => {
    border.forEach((corner, at) => {
      const key = keyOf(corner);
      const known = places.get(key);
      if (known) known.push([n, at]);
      else places.set(key, [[n, at]]);
    });
  });
  return places;
}

function between(
  from: Position,
  to: Position,
  borders: readonly (readonly Position[])[],
  places: Places,
): Position[] {
  let best: Position[] = [];
  let least = Infinity;
  for (const [border, start] of places.get(keyOf(from)) ?? []) {
    for (const [other, end] of places.get(keyOf(to)) ?? []) {
      if (other !== border || start === end) continue;
      for (const way of ways(borders[border] ?? [], start, end)) {
        // Bends say nothing of how far it is: the winding way is often the one that was meant.
        const far = degreesAlong([from, ...way, to]);
        if (far < least) [best, least] = [way, far];
      }
    }
  }
  return best;
}

/** Length of a line in degrees of latitude; on a plane, which is enough to compare two ways. */
function degreesAlong(line: readonly Position[]): number {
  let sum = 0;
  for (let n = 1; n < line.length; n++) {
    const [[lon1 = 0, lat1 = 0], [lon2 = 0, lat2 = 0]] = [
      line[n - 1] as Position,
      line[n] as Position,
    ];
    const narrow = Math.cos(((lat1 + lat2) * Math.PI) / 360);
    sum += Math.hypot((lon2 - lon1) * narrow, lat2 - lat1);
  }
  return sum;
}

/** The corners between two of a line, by each way there is: a ring has two. */
function ways(line: readonly Position[], start: number, end: number): Position[][] {
  const inside = (from: number, to: number) => line.slice(from + 1, to);
  const direct = start < end ? inside(start, end) : inside(end, start).reverse();
  if (!same(line[0], line.at(-1))) return [direct];
  // The last corner of a ring is its first one again.
  const ring = line.slice(0, -1);
  const [low, high] = [Math.min(start, end), Math.max(start, end)];
  const round = [...ring.slice(high + 1), ...ring.slice(0, low)];
  return [direct, start < end ? round.reverse() : round];
}
