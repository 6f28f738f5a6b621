/** Shapes and geometries: parts that are drawn one by one, and the one thing that they make. */

import type { Geometry, Position } from "geojson";
import { boundsOf } from "./bounds";
import type { Drawable } from "./draw";

/** One geometry of several shapes: a multi-part one where they are of a kind. */
export function joined(shapes: readonly Drawable[]): Geometry | null {
  const [first] = shapes;
  if (!first || shapes.length === 1) return first ?? null;
  if (shapes.some(({ type }) => type !== first.type))
    return { type: "GeometryCollection", geometries: [...shapes] };
  return {
    type: `Multi${first.type}`,
    coordinates: shapes.map(({ coordinates }) => coordinates),
  } as Geometry;
}

/** The parts of a geometry, each to be drawn by itself. */
export function partsOf(geometry: Geometry | null): Drawable[] {
  if (!geometry) return [];
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(partsOf);
  if (!geometry.type.startsWith("Multi")) return [geometry as Drawable];
  const type = geometry.type.slice("Multi".length);
  return (geometry as { coordinates: unknown[] }).coordinates.map(
    (coordinates) => ({ type, coordinates }) as Drawable,
  );
}

/** A point in a geometry, away from the borders of its first area; null where there is none. */
export function pointWithin(geometry: Geometry): Position | null {
  const [first] = partsOf(geometry);
  if (!first || first.type === "Point") return first?.coordinates ?? null;
  if (first.type === "LineString")
    return first.coordinates[Math.floor(first.coordinates.length / 2)] ?? null;
  const [, south = 0, , north = 0] = boundsOf(first) ?? [];
  const lat = (south + north) / 2;
  // Of where the middle latitude crosses the rings, each second stretch lies inside.
  const crossed = first.coordinates
    .flatMap((ring) =>
      ring.slice(1).flatMap(([x = 0, y = 0], n) => {
        const [from = 0, at = 0] = ring[n] ?? [];
        return at > lat === y > lat ? [] : [from + ((lat - at) / (y - at)) * (x - from)];
      }),
    )
    .toSorted((a, b) => a - b);
  let widest: [number, number] = [0, 0];
  for (let n = 1; n < crossed.length; n += 2) {
    const [west = 0, east = 0] = [crossed[n - 1], crossed[n]];
    if (east - west > widest[1] - widest[0]) widest = [west, east];
  }
  return crossed.length ? [(widest[0] + widest[1]) / 2, lat] : (first.coordinates[0]?.[0] ?? null);
}

/** Whether a shape can be drawn and its corners moved; areas with holes cannot. */
export const canDraw = (shape: Drawable) =>
  shape.type !== "Polygon" || shape.coordinates.length === 1;
