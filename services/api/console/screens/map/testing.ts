/** For tests of the map's screen: a tile service and a region of Xiamen. */

import { expect } from "vitest";
import type { LayerListed, Layer as Told } from "../../kit/map/layers";
import { maps } from "../../kit/map/testing";
import { type Answer, type Sent, serve, waitFor } from "../../kit/testing";

export const REGION = {
  type: "Feature",
  id: "xiamen",
  geometry: {
    type: "Polygon",
    coordinates: [
      [
        [117.9, 24.4],
        [118.4, 24.4],
        [118.4, 24.9],
        [117.9, 24.9],
        [117.9, 24.4],
      ],
    ],
  },
  properties: { name_zh: "厦门市", name_en: "Xiamen" },
};

const listed = (
  id: string,
  kind: LayerListed["kind"],
  title_zh: string,
  title_en: string,
  bounds: LayerListed["bounds"] = null,
): LayerListed => ({ id, kind, title_zh, title_en, theme: "", bounds, version: "1" });

export const LAYERS: readonly LayerListed[] = [
  listed("zones", "vector", "修复分区", "Restoration zones", [117.9, 24.4, 118.4, 24.9]),
  listed("corridors", "vector", "生态廊道", "Corridors"),
  listed("control_areas", "vector", "管控区", "Control areas"),
  listed("supply.cooling.xiamen", "raster", "降温供给", "Supply of cooling"),
  listed("dataset.banan.dem", "raster", "巴南高程", "Heights of Banan", [106, 29, 107, 30]),
];

const entry = (code: string, color: string, label_zh: string, label_en: string) => ({
  value: null,
  code,
  values: [code],
  color,
  label_zh,
  label_en,
});

/** A layer with its legend: classes, or for rasters a ramp. */
function described(id: string): Told | undefined {
  const found = LAYERS.find((one) => one.id === id);
  if (!found) return undefined;
  const ramp = found.kind === "raster";
  return {
    ...found,
    attribution: "",
    sources: [],
    legend: {
      title_zh: found.title_zh,
      title_en: found.title_en,
      kind: ramp ? "ramp" : "classes",
      symbol: "fill",
      property: ramp ? null : "class",
      unit: ramp ? "K" : "",
      unit_zh: ramp ? "开" : "",
      unit_en: ramp ? "K" : "",
      entries: ramp
        ? [entry("0", "#fff", "0", "0"), entry("5", "#00f", "5", "5")]
        : [entry("a", "#2a8", "保护", "protection"), entry("b", "#a52", "修复", "restoration")],
    },
  };
}

const styled = (id: string) => ({
  sources: { [id]: { type: "vector", tiles: [`/tiles/${id}/{z}/{x}/{y}`] } },
  layers: [
    {
      id: "fill",
      type: "fill",
      source: id,
      "source-layer": id,
      filter: ["==", "$type", "Polygon"],
      paint: {},
    },
  ],
});

const gone = () => Response.json({ detail: "no such layer" }, { status: 404 });
const part = ({ path }: Sent, at: number) => path.split("/")[at] ?? "";

/** Answers of the tile service and what every map asks for. */
export const tiles: Record<string, Answer> = {
  "GET /collections/regions/items/xiamen": REGION,
  "GET /tiles/layers": { layers: LAYERS },
  "GET /tiles/layers/{}": (sent) => described(part(sent, 3)) ?? gone(),
  "GET /tiles/layers/{}/style.json": (sent) => {
    const id = part(sent, 3);
    return id === "regions" || described(id) ? styled(id) : gone();
  },
};

export const serveMap = (answers: Record<string, Answer> = {}) => serve({ ...tiles, ...answers });

/** Maps by their number, once each shows its layers. */
export async function shownMaps(count = 1) {
  await waitFor(() => expect(maps).toHaveLength(count));
  return maps;
}

/** Names of the service's layers on a map, the lowest first. */
export const namesOn = (map = maps[0]) =>
  (map?.layers ?? [])
    .filter(({ id }) => id.includes("#") && !id.startsWith("regions"))
    .map(({ id }) => id.split("#")[0]);
