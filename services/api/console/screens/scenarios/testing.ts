/** For tests of scenarios: the process as it is described, and the maps of the page. */

import type { PropertySchema } from "../../kit/features";
import type { Description, Input } from "../compute/inputs";

const KINDS = {
  set_cover: "Set land cover",
  restore: "Restore nature",
  build_road: "Build a road",
  build_barrier: "Build a barrier",
  set_resistance: "Set resistance",
  remove_barrier: "Remove a barrier",
};
const COVERS = { forest: "Forest", grassland: "Grassland", built_up: "Built-up land" };
const ROADS = { main: "Main road", minor: "Minor road" };
const WORDS = { ...KINDS, ...COVERS, ...ROADS };

/** The input `edits` as forms take it. */
export const EDITS: PropertySchema = {
  type: "array",
  items: {
    type: "object",
    properties: {
      kind: { type: "string", enum: Object.keys(KINDS), "x-enum-titles": WORDS },
      cover: { type: "string", enum: Object.keys(COVERS), nullable: true, "x-enum-titles": WORDS },
      road: { anyOf: [{ type: "string", enum: Object.keys(ROADS), "x-enum-titles": WORDS }] },
      resistance: { type: "number", nullable: true },
    },
  },
};

export const input = (title: string, schema: PropertySchema, more: Partial<Input> = {}): Input => ({
  title,
  description: "",
  schema,
  minOccurs: 0,
  ...more,
});

/** `run-scenario` as the service describes it, in short. */
export const SCENARIO: Description = {
  id: "run-scenario",
  title: "Run a scenario",
  description: "Edits of the land, before and after.",
  additionalParameters: { parameters: [{ name: "land_cover", value: ["land_cover"] }] },
  inputs: {
    region: input("Region", { type: "string" }, { minOccurs: 1 }),
    cell_m: input("Cell, m", { type: "number", default: 100, minimum: 10, maximum: 5000 }),
    datasets: input("Datasets", {
      type: "object",
      properties: { land_cover: { title: "Land cover" }, roads: { title: "Roads" } },
    }),
    name_zh: input("Chinese name", { type: "string" }),
    name_en: input("English name", { type: "string" }),
    edits: input("Edits", EDITS, {
      minOccurs: 1,
      additionalParameters: {
        parameters: Object.entries(WORDS).map(([name, word]) => ({ name, value: [word] })),
      },
    }),
  },
  outputs: { table: { title: "Comparison as a table" }, report: { title: "Report" } },
};

/** What the service says of maps and places in any test of these screens. */
export const GROUND = {
  "GET /processes/run-scenario": SCENARIO,
  "GET /collections/regions/items/xiamen": {
    type: "Feature",
    id: "xiamen",
    geometry: { type: "Point", coordinates: [118.1, 24.5] },
    properties: {},
  },
  "GET /collections/datasets/items": {
    type: "FeatureCollection",
    features: [
      {
        type: "Feature",
        id: "xm.cover",
        geometry: null,
        properties: { name_zh: "覆盖", name_en: "Cover", theme: "land_cover", stand_in: false },
      },
    ],
    links: [],
  },
  "GET /tiles/layers/regions/style.json": {
    version: 8,
    sources: {},
    layers: [],
  },
};

/** A table as the service writes it. */
export const csv = (text: string) =>
  new Response(text, { headers: { "Content-Type": "text/csv; charset=utf-8" } });
