/** The positions of shapes: the boxes around them in degrees, and shapes with each one moved. */

import type { Geometry, Position } from "geojson";
import type { Drawable } from "./draw";
import type { Bounds } from "./layers";

/** China, from where nothing nearer is known. */
export const ANYWHERE: Bounds = [97, 21, 126, 42];

/** The box around geometries; null where there are none. */
export function boundsOf(...shapes: (Geometry | null | undefined)[]): Bounds | null {
  const found: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const shape of shapes) if (shape) eachPosition(shape, (at) => extend(found, at));
  return found[0] <= found[2] ? found : null;
}

function extend(bounds: Bounds, [lon = 0, lat = 0]: Position): void {
  bounds[0] = Math.min(bounds[0], lon);
  bounds[1] = Math.min(bounds[1], lat);
  bounds[2] = Math.max(bounds[2], lon);
  bounds[3] = Math.max(bounds[3], lat);
}

/** Call with each position of a geometry. */
export function eachPosition(shape: Geometry, call: (at: Position) => void): void {
  if (shape.type === "GeometryCollection") {
    for (const one of shape.geometries) eachPosition(one, call);
    return;
  }
  const walk = (part: unknown): void => {
    const list = part as unknown[];
    if (typeof list[0] === "number") call(list as Position);
    else for (const one of list) walk(one);
  };
  walk(shape.coordinates);
}

/** A shape with each position moved. */
export function moved<Shape extends Geometry | Drawable>(
  shape: Shape,
  move: (at: Position) => Position,
): Shape {
  if (shape.type === "GeometryCollection")
    return { ...shape, geometries: shape.geometries.map((one) => moved(one, move)) };
  const walk = (part: unknown): unknown => {
    const list = part as unknown[];
    return typeof list[0] === "number" ? move(list as Position) : list.map(walk);
  };
  return { ...shape, coordinates: walk(shape.coordinates) } as Shape;
}
