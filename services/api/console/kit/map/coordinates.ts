/** Places written in words: degrees, degrees with minutes and seconds, and lists of corner points. */

import type { LineString, Point, Polygon, Position } from "geojson";

/** Degrees as 118.0915, 118°05.49′ or 118°05′29.4″; NaN for other texts. */
export function degreesIn(text: string): number {
  const found =
    /^(-?\d+(?:\.\d+)?)(?:[°度](?:(\d+(?:\.\d+)?)[′'分](?:(\d+(?:\.\d+)?)[″"秒])?)?)?$/.exec(text);
  if (!found) return Number.NaN;
  const [minutes, seconds] = [Number(found[2] ?? 0), Number(found[3] ?? 0)];
  if (minutes >= 60 || seconds >= 60) return Number.NaN;
  const size = Math.abs(Number(found[1])) + minutes / 60 + seconds / 3600;
  return text.startsWith("-") ? -size : size;
}

/** A place written as longitude and latitude; null for other texts. */
export function placeIn(text: string): Position | null {
  const numbers = text
    .replace(/[EeNn东经北纬]/g, " ")
    .split(/[\s,，;；、\t]+/)
    .filter(Boolean)
    .map(degreesIn);
  const [lon, lat] = numbers;
  if (numbers.length !== 2 || lon === undefined || lat === undefined) return null;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null;
}

export interface Listed {
  corners: Position[];
  /** Numbers of the lines that could not be read, from 1. */
  wrong: number[];
}

/** Corner points, a line each; empty lines count for nothing.
 * @param before Corners the text was made of: those whose line was not changed stay exactly so. */
export function cornersIn(text: string, before: readonly Position[] = []): Listed {
  const corners: Position[] = [];
  const wrong: number[] = [];
  const kept = Map.groupBy(before, (one) => textOf([one]));
  for (const [n, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const [same, another] = kept.get(line.trim()) ?? [];
    // Corners that are written alike stay in their order; a line may come again, to close a ring.
    if (another) kept.get(line.trim())?.shift();
    const place = same ?? placeIn(line.trim());
    if (place) corners.push(place);
    else wrong.push(n + 1);
  }
  return { corners, wrong };
}

/** The shape of a kind with these corners; null where there are too few. */
export function shapeOf(
  kind: "polygon" | "linestring" | "point",
  corners: readonly Position[],
): Polygon | LineString | Point | null {
  const [first, second, third, fourth] = corners;
  if (kind === "point") return first ? { type: "Point", coordinates: first } : null;
  if (kind === "linestring")
    return second ? { type: "LineString", coordinates: [...corners] } : null;
  if (!first || !third) return null;
  const last = corners.at(-1) as Position;
  const closed = first[0] === last[0] && first[1] === last[1];
  if (closed && !fourth) return null;
  return { type: "Polygon", coordinates: [closed ? [...corners] : [...corners, first]] };
}

/** Corners as they are typed: a line each. */
export function textOf(corners: readonly Position[]): string {
  return corners.map(([lon = 0, lat = 0]) => `${+lon.toFixed(7)} ${+lat.toFixed(7)}`).join("\n");
}
