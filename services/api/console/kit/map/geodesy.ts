/** Lengths, areas and plane coordinates on the ellipsoid of CGCS2000. */

import geodesic from "geographiclib-geodesic";
import type { Position } from "geojson";

const A = 6378137;
const F = 1 / 298.257222101;
const ELLIPSOID = new geodesic.Geodesic.Geodesic(A, F);

/** Length of a line in metres, along geodesics. */
export function lengthOf(line: readonly Position[]): number {
  let metres = 0;
  for (let n = 1; n < line.length; n++) {
    const [[lon1, lat1], [lon2, lat2]] = [line[n - 1] as number[], line[n] as number[]] as [
      [number, number],
      [number, number],
    ];
    metres += ELLIPSOID.Inverse(lat1, lon1, lat2, lon2).s12 ?? 0;
  }
  return metres;
}

/** Area within a ring in square metres, its edges geodesics; the ring may be closed or not. */
export function areaOf(ring: readonly Position[]): number {
  const polygon = ELLIPSOID.Polygon(false);
  const [first, last] = [ring[0], ring.at(-1)];
  const closed = first && last && first[0] === last[0] && first[1] === last[1];
  for (const [lon = 0, lat = 0] of closed ? ring.slice(0, -1) : ring) polygon.AddPoint(lat, lon);
  return Math.abs(polygon.Compute(false, true).area ?? 0);
}

export interface PlanePoint {
  /** Central meridian of the 3-degree zone, degrees east. */
  meridian: number;
  zone: number;
  /** Metres north of the equator: x of the surveyors. */
  north: number;
  /** Metres east, 500 km at the central meridian: y of the surveyors. */
  east: number;
}

/** Coordinates in the Gauss-Krüger projection of the 3-degree zone around a place. */
export function gaussKrueger(lon: number, lat: number): PlanePoint {
  const zone = Math.round(lon / 3);
  const meridian = zone * 3;
  return { meridian, zone, ...planeAt(meridian, lon, lat) };
}

/** Plane coordinates of a place, by a central meridian. */
export function planeAt(meridian: number, lon: number, lat: number) {
  const { north, east } = transverseMercator(lon - meridian, lat);
  return { north, east: east + 500_000 };
}

const TO_DEGREES = 180 / (Math.PI * A);

/** The place of plane coordinates: what is missed in metres is made good until it is nothing. */
export function placeAt(meridian: number, { north, east }: { north: number; east: number }) {
  let lat = north * TO_DEGREES;
  let lon = meridian;
  for (let round = 0; round < 12; round++) {
    const here = planeAt(meridian, lon, lat);
    const [up, right] = [north - here.north, east - here.east];
    lat += up * TO_DEGREES;
    lon += (right * TO_DEGREES) / Math.cos((lat * Math.PI) / 180);
    if (Math.hypot(up, right) < 1e-5) break;
  }
  return [lon, lat] as [number, number];
}

/** Krüger's series to the fourth power of the third flattening, which is good to a micrometre within
 * 3 degrees of the meridian. Karney 2011, "Transverse Mercator with an accuracy of a few
 * nanometers", J. Geodesy 85, eqs. 7-12 and 35. */
function transverseMercator(dlon: number, lat: number): { north: number; east: number } {
  const n = F / (2 - F);
  const e = Math.sqrt(F * (2 - F));
  const [n2, n3, n4] = [n * n, n ** 3, n ** 4];
  const radius = (A / (1 + n)) * (1 + n2 / 4 + n4 / 64 + n ** 6 / 256);
  const alpha = [
    n / 2 - (2 / 3) * n2 + (5 / 16) * n3 + (41 / 180) * n4,
    (13 / 48) * n2 - (3 / 5) * n3 + (557 / 1440) * n4,
    (61 / 240) * n3 - (103 / 140) * n4,
    (49561 / 161280) * n4,
  ];
  const phi = (lat * Math.PI) / 180;
  const lambda = (dlon * Math.PI) / 180;
  const sine = Math.sin(phi);
  const tau = Math.sinh(Math.atanh(sine) - e * Math.atanh(e * sine));
  const xi = Math.atan2(tau, Math.cos(lambda));
  const eta = Math.asinh(Math.sin(lambda) / Math.hypot(tau, Math.cos(lambda)));
  let north = xi;
  let east = eta;
  alpha.forEach((factor, at) => {
    const twice = 2 * (at + 1);
    north += factor * Math.sin(twice * xi) * Math.cosh(twice * eta);
    east += factor * Math.cos(twice * xi) * Math.sinh(twice * eta);
  });
  return { north: radius * north, east: radius * east };
}

/** Degrees as 118°05′30.12″. */
export function sexagesimal(degrees: number): string {
  const hundredths = Math.round(Math.abs(degrees) * 360_000);
  const [d, rest] = [Math.floor(hundredths / 360_000), hundredths % 360_000];
  const [m, s] = [Math.floor(rest / 6000), rest % 6000];
  const seconds = (s / 100).toFixed(2).padStart(5, "0");
  return `${degrees < 0 && hundredths ? "-" : ""}${d}°${String(m).padStart(2, "0")}′${seconds}″`;
}
