/** For tests of monitoring: what the API answers about stations, alerts, cases and rules. */

import type { Schema } from "../../kit/api";
import type { Feature } from "../../kit/features";
import type { Answer } from "../../kit/testing";
import type { Alert, Newest, Rule } from "./readings";

/** What a map asks for, whatever it shows. */
export const MAP: Record<string, Answer> = {
  "GET /tiles/layers/{}/style.json": { sources: {}, layers: [] },
  "GET /collections/regions/items/xiamen": {
    type: "Feature",
    id: "xiamen",
    geometry: { type: "Point", coordinates: [118.1, 24.5] },
    properties: {},
  },
};

export const station = (
  code: string,
  lon: number,
  lat: number,
  properties: object = {},
): Feature => ({
  type: "Feature",
  id: code,
  geometry: { type: "Point", coordinates: [lon, lat] },
  properties: { name_zh: `${code}站`, name_en: `Station ${code}`, ...properties },
});

export const newest = (of: string, more: Partial<Newest> = {}): Newest => ({
  station: of,
  property: "do",
  time: "2026-01-02T03:00:00Z",
  value: 7,
  unit: "mg/L",
  gap: false,
  ...more,
});

export const alert = (more: Partial<Alert> = {}): Alert => ({
  id: 9,
  status: "open",
  status_name: "Open",
  level: "orange",
  level_name: "Orange",
  color: "#e87500",
  rule: "do-low",
  rule_name: "Oxygen low",
  kind: "below",
  kind_name: "Below a limit",
  subject: "station",
  subject_kind_name: "Station",
  subject_name: "Yuandang",
  station: "yd",
  station_name: "Yuandang",
  plan: null,
  indicator: null,
  region: null,
  target_year: null,
  case: null,
  duty: null,
  balance_kind: null,
  agreement: null,
  mine: null,
  reclamation: null,
  property: "do",
  measure: 1.75,
  unit: "mg/L",
  facts: null,
  began: "2026-01-02T01:00:00Z",
  raised: "2026-01-02T02:00:00Z",
  opened: "2026-01-02T03:00:00Z",
  acknowledged: null,
  acknowledged_by: null,
  closed: null,
  closed_by: null,
  links: [],
  ...more,
});

export const rule = (more: Partial<Rule> = {}): Rule => ({
  code: "do-low",
  name: "Oxygen low",
  name_zh: "溶解氧偏低",
  name_en: "Oxygen low",
  kind: "below",
  kind_name: "Below a limit",
  property: "do",
  unit: "mg/L",
  stations: null,
  region: null,
  plan: null,
  indicator: null,
  control_kind: null,
  balance_kind: null,
  settlement_state: null,
  limits: { red: 2, yellow: 5 },
  reset: 5,
  min_duration_s: 0,
  max_age_s: 604_800,
  any_quality: false,
  enabled: true,
  quiet: null,
  valid_from: null,
  valid_to: null,
  ...more,
});

const property = (
  code: string,
  name_zh: string,
  name_en: string,
  unit: string,
): Schema<"ObservedProperty"> => ({
  code,
  name: name_en,
  name_zh,
  name_en,
  medium: "water",
  unit,
  low: null,
  high: null,
  decimals: 2,
  moves: false,
  hj525: null,
  aliases: [],
  standard: null,
  raw_years: null,
  raw_since: null,
  variant_of: null,
  updated: "2026-01-01T00:00:00Z",
});

export const PROPERTIES: Schema<"ObservedProperties"> = {
  properties: [
    property("do", "溶解氧", "Dissolved oxygen", "mg/L"),
    property("temperature", "水温", "Water temperature", "Cel"),
  ],
  links: [],
};

/** What the screens of stations ask for; for the public without alerts and rules. */
export const around = (
  features: readonly Feature[],
  observations: readonly Newest[],
  alerts: readonly Alert[] = [],
): Record<string, Answer> => ({
  ...MAP,
  "GET /properties": PROPERTIES,
  "GET /collections/stations/items": { features, links: [] },
  "GET /observations": { observations, links: [] },
  "GET /alerts": ({ query }) => ({
    alerts: alerts.filter(({ status }) => status === query.get("status")),
    links: [],
  }),
});
