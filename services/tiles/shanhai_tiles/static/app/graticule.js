// Lines of longitude and latitude around a box, at a round distance.

const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
const LINES_ACROSS = 3;
const MARGIN = 12;

/** @param {[number, number, number, number]} bounds */
export function graticule([west, south, east, north]) {
  const span = Math.max(east - west, north - south);
  const step = STEPS.find((one) => span / one >= LINES_ACROSS) ?? STEPS.at(-1);
  const margin = MARGIN * step;
  const meridians = multiples(Math.max(west - margin, -180), Math.min(east + margin, 180), step);
  const parallels = multiples(Math.max(south - margin, -85), Math.min(north + margin, 85), step);
  const features = [
    ...meridians.map((lon) => line(parallels.map((lat) => [lon, lat]), label(lon, "E", "W"))),
    ...parallels.map((lat) => line(meridians.map((lon) => [lon, lat]), label(lat, "N", "S"))),
  ];
  return { type: "FeatureCollection", features };
}

function multiples(from, to, step) {
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: count }, (_, n) => +((first + n) * step).toFixed(4));
}

function label(degrees, positive, negative) {
  return `${Math.abs(degrees)}°${degrees < 0 ? negative : positive}`;
}

function line(coordinates, name) {
  return { type: "Feature", properties: { name }, geometry: { type: "LineString", coordinates } };
}
