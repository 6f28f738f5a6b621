/** GCJ-02, the shifted datum of Chinese web maps: to it, back from it, and the suspicion of it. */

import type { Position } from "geojson";

const A = 6_378_245;
const E2 = 0.006_693_421_622_965_943;
const ORIGIN: [number, number] = [105, 35];
const { PI, sin, sqrt, abs } = Math;

/** Where GCJ-02 shows a place of CGCS2000; only meant for China. */
export function toGcj02([lon = 0, lat = 0]: Position): Position {
  const [x, y] = [lon - ORIGIN[0], lat - ORIGIN[1]];
  const root = sqrt(abs(x));
  const wave = (along: number) =>
    ((20 * sin(6 * PI * x) +
      20 * sin(2 * PI * x) +
      20 * sin(PI * along) +
      40 * sin((PI * along) / 3)) *
      2) /
    3;
  const east =
    300 +
    x +
    2 * y +
    0.1 * x * x +
    0.1 * x * y +
    0.1 * root +
    wave(x) +
    ((150 * sin((PI * x) / 12) + 300 * sin((PI * x) / 30)) * 2) / 3;
  const north =
    -100 +
    2 * x +
    3 * y +
    0.2 * y * y +
    0.1 * x * y +
    0.2 * root +
    wave(y) +
    ((160 * sin((PI * y) / 12) + 320 * sin((PI * y) / 30)) * 2) / 3;
  const phi = (lat * PI) / 180;
  const magic = 1 - E2 * sin(phi) ** 2;
  const meridian = (A * (1 - E2)) / (magic * sqrt(magic));
  const parallel = (A / sqrt(magic)) * Math.cos(phi);
  return [lon + (east / parallel) * (180 / PI), lat + (north / meridian) * (180 / PI)];
}

/** The place that GCJ-02 shows there: what is missed is made good until it is nothing. */
export function fromGcj02(shown: Position): Position {
  let [lon, lat] = [shown[0] ?? 0, shown[1] ?? 0];
  for (let round = 0; round < 6; round++) {
    const [there = 0, up = 0] = toGcj02([lon, lat]);
    lon += (shown[0] ?? 0) - there;
    lat += (shown[1] ?? 0) - up;
  }
  return [lon, lat];
}

export interface Suspicion {
  /** Median distance of the corners from the nearest border there is, as drawn, in metres. */
  asDrawn: number;
  /** The same with the corners moved back from GCJ-02. */
  corrected: number;
}

/** A corner this near to a border follows it, in metres. */
const FOLLOWS = 60;
/** The shift is some 500 m: what lies nearer to its border than this has none. */
const OFF = 150;
/** Corners of which something can be said. */
const FEWEST = 3;

/** Whether corners lie off the borders that are there just as GCJ-02 would put them; null if not.
 * @param borders Lines of what is known to be in its place. */
export function suspectGcj02(
  corners: readonly Position[],
  borders: readonly (readonly Position[])[],
): Suspicion | null {
  if (corners.length < FEWEST || !borders.length) return null;
  const away = (places: readonly Position[]) => median(places.map((at) => distance(at, borders)));
  const asDrawn = away(corners);
  if (!(asDrawn > OFF)) return null;
  const corrected = away(corners.map(fromGcj02));
  return corrected < FOLLOWS && corrected * 3 < asDrawn ? { asDrawn, corrected } : null;
}

const DEGREE = 111_320;

/** Distance of a place from the nearest of some lines, in metres; on a plane, which is near enough. */
export function distance(
  [lon = 0, lat = 0]: Position,
  lines: readonly (readonly Position[])[],
): number {
  const narrow = DEGREE * Math.cos((lat * PI) / 180);
  let least = Infinity;
  for (const line of lines) {
    for (let n = 1; n < line.length; n++) {
      const [from, to] = [line[n - 1] as Position, line[n] as Position];
      const x = ((from[0] ?? 0) - lon) * narrow;
      const y = ((from[1] ?? 0) - lat) * DEGREE;
      const dx = ((to[0] ?? 0) - lon) * narrow - x;
      const dy = ((to[1] ?? 0) - lat) * DEGREE - y;
      const size = dx * dx + dy * dy;
      const part = size ? Math.min(1, Math.max(0, -(x * dx + y * dy) / size)) : 0;
      least = Math.min(least, Math.hypot(x + part * dx, y + part * dy));
    }
  }
  return least;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
