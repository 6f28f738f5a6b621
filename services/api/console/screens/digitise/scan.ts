/** Where a scanned picture lies: an affine map from its pixels to the ground, by least squares. */

import type { Position } from "geojson";
import { placeAt, planeAt } from "../../kit/map/geodesy";

/** A pixel of the picture, from its upper left corner, and the place that it shows. */
export interface ControlPoint {
  x: number;
  y: number;
  lon: number;
  lat: number;
}

type Row = [number, number, number];

export interface Fitted {
  /** Central meridian of the plane that was fitted in, degrees east. */
  meridian: number;
  east: Row;
  north: Row;
  /** How far each point is missed, in metres. */
  residuals: number[];
  /** Root of the mean square of the residuals, in metres. */
  rms: number;
}

/** Points that a picture needs: three say where it lies, more say how well. */
export const FEWEST_POINTS = 3;

/** The affine map that misses the points least, in the Gauss-Krüger plane around them; null where
 * they are too few, or in one line. */
export function fitted(points: readonly ControlPoint[]): Fitted | null {
  if (points.length < FEWEST_POINTS) return null;
  const mean = (of: (point: ControlPoint) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const meridian = Math.round(mean(({ lon }) => lon) / 3) * 3;
  const planes = points.map(({ lon, lat }) => planeAt(meridian, lon, lat));
  const [x0, y0] = [mean(({ x }) => x), mean(({ y }) => y)];
  // About the middle of the points, so that the sums stay small beside what they tell.
  let [xx, xy, yy] = [0, 0, 0];
  for (const { x, y } of points) {
    xx += (x - x0) ** 2;
    xy += (x - x0) * (y - y0);
    yy += (y - y0) ** 2;
  }
  const det = xx * yy - xy * xy;
  if (!(det > 1e-6 * (xx + yy) ** 2)) return null;
  const row = (values: readonly number[]): Row => {
    const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
    let [xv, yv] = [0, 0];
    points.forEach(({ x, y }, n) => {
      const off = (values[n] ?? 0) - middle;
      xv += (x - x0) * off;
      yv += (y - y0) * off;
    });
    const a = (xv * yy - yv * xy) / det;
    const b = (yv * xx - xv * xy) / det;
    return [a, b, middle - a * x0 - b * y0];
  };
  const east = row(planes.map((plane) => plane.east));
  const north = row(planes.map((plane) => plane.north));
  const residuals = points.map(({ x, y }, n) => {
    const plane = planes[n] as (typeof planes)[number];
    return Math.hypot(at(east, x, y) - plane.east, at(north, x, y) - plane.north);
  });
  const rms = Math.sqrt(residuals.reduce((sum, r) => sum + r * r, 0) / residuals.length);
  return { meridian, east, north, residuals, rms };
}

const at = ([a, b, c]: Row, x: number, y: number) => a * x + b * y + c;

/** The place that a pixel shows. */
export function placeOf({ meridian, east, north }: Fitted, x: number, y: number): Position {
  return placeAt(meridian, { east: at(east, x, y), north: at(north, x, y) });
}

/** The places of the corners of a picture: upper left, upper right, lower right, lower left. */
export function cornersOfScan(fit: Fitted, width: number, height: number): Position[] {
  const pixels: [number, number][] = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];
  return pixels.map(([x, y]) => placeOf(fit, x, y));
}
