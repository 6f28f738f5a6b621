/** Shapes and geometries: parts that are drawn one by one, and the one thing that they make. */

import type { Geometry } from "geojson";
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

/** Whether a shape can be drawn and its corners moved; areas with holes cannot. */
export const canDraw = (shape: Drawable) =>
  shape.type !== "Polygon" || shape.coordinates.length === 1;
