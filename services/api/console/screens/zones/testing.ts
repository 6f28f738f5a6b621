/** For tests of zones: a region with a zoning of three zones in two versions. */

import type { Polygon } from "geojson";
import type { Schema } from "../../kit/api";
import { type Answer, serve, withHeaders } from "../../kit/testing";
import type { Scheme, SchemeMembers, Zone, ZoneClass, ZoneMembers } from "./schemes";

export const box = (west: number, south: number, size = 0.1): Polygon => ({
  type: "Polygon",
  coordinates: [
    [
      [west, south],
      [west + size, south],
      [west + size, south + size],
      [west, south + size],
      [west, south],
    ],
  ],
});

export const scheme = (
  version: number,
  status: string,
  change: Partial<SchemeMembers> = {},
): Scheme => ({
  type: "Feature",
  id: change.code ?? "xm",
  geometry: null,
  properties: {
    code: "xm",
    name_zh: "厦门分区",
    name_en: "Zoning of Xiamen",
    version,
    status,
    kind: "supply_demand",
    origin: "computed",
    job: null,
    region: "xiamen",
    valid_from: null,
    valid_to: null,
    gap_reason: null,
    ...change,
  },
});

const CLASS: Record<string, Partial<ZoneMembers>> = {
  keep: {
    class_value: 1,
    class_name_zh: "保育区",
    class_name_en: "Conservation",
    color: "#228844",
    requirement_zh: "以自然恢复为主",
    requirement_en: "Left to nature",
  },
  mend: {
    class_value: 2,
    class_name_zh: "修复区",
    class_name_en: "Restoration",
    color: "#aa5522",
    requirement_zh: null,
    requirement_en: null,
  },
};

export const zone = (code: string, of: "keep" | "mend", west: number, km2: number): Zone => ({
  type: "Feature",
  id: code,
  geometry: box(west, 24),
  properties: {
    code,
    class: of,
    zone_class: `supply_demand.${of}`,
    name_zh: `${code}号区`,
    name_en: `Zone ${code}`,
    area_km2: km2,
    ...CLASS[of],
  } as ZoneMembers,
});
export const ZONES = [
  zone("1", "keep", 118, 50),
  zone("2", "keep", 118.1, 20),
  zone("3", "mend", 118.2, 30),
];

const zoneClass = (code: string, name_zh: string, name_en: string): ZoneClass => ({
  code: `supply_demand.${code}`,
  class_code: code,
  name_zh,
  name_en,
  color: null,
  requirement_zh: null,
  requirement_en: null,
});

/** The schema of zones, as far as the form of a zone has it. */
export const ZONE_SCHEMA = {
  type: "object",
  properties: {
    name_zh: { type: "string", title: "Chinese name", maxLength: 300 },
    name_en: { type: "string", title: "English name", maxLength: 300 },
    zone_class: { type: "string", title: "Class", "x-ogc-role": "reference" },
    functions_en: { type: "array", title: "Functions", items: { type: "string" } },
    stated_area_km2: { type: "number", title: "Stated area", minimum: 0 },
  },
};

export const topology = (
  change: Partial<Schema<"ZoningTopology">> = {},
): Schema<"ZoningTopology"> => ({
  scheme: { code: "xm", version: 2, status: "draft" },
  valid: true,
  region_area_km2: 100,
  zones_area_km2: 100,
  zones: 3,
  zones_without_geometry: 0,
  overlap_area_km2: 0,
  overlaps: [],
  gap_area_km2: 0,
  gap_percent: 0,
  gaps: [],
  slivers: 0,
  sliver_below_m2: 1,
  links: [],
  ...change,
});

export const collection = (features: readonly object[]) => ({ features, links: [] });

/** The adjustments of a version, with the tag of its zones. */
export const tagged = (tag: string) => () => withHeaders({ adjustments: [] }, { ETag: tag });

/** Answers for a region with these versions; each has the three zones. */
export const zoned = (
  schemes: readonly Scheme[] = [scheme(1, "published"), scheme(2, "draft")],
  answers: Record<string, Answer> = {},
) =>
  serve({
    "GET /collections/zone_schemes/items": collection(schemes),
    "GET /collections/zones/items": collection(ZONES),
    "GET /zone-classes": {
      zone_classes: [
        zoneClass("keep", "保育区", "Conservation"),
        zoneClass("mend", "修复区", "Restoration"),
      ],
    },
    "GET /collections/zones/schema": ZONE_SCHEMA,
    "GET /zone-schemes/xm/topology": topology(),
    "GET /zone-schemes/xm/adjustments": tagged('"z1"'),
    "GET /zone-schemes/new/adjustments": tagged('"n1"'),
    "GET /collections/zone_schemes/items/xm": withHeaders(schemes.at(-1) ?? {}, { ETag: '"s1"' }),
    "GET /collections/regions/items/xiamen": { geometry: box(118, 24, 0.3), properties: {} },
    "GET /tiles/layers": { layers: [] },
    "GET /tiles/layers/{}/style.json": { sources: {}, layers: [] },
    ...answers,
  });

export const PLANNER = {
  scopes: ["read", "write"] as const,
  roles: [{ role: "planner", region: "xiamen" }] as const,
};
export const APPROVER = {
  scopes: ["read", "write"] as const,
  roles: [{ role: "approver", region: "xiamen" }] as const,
};
