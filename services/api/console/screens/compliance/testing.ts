/** For tests of compliance: a verdict as the process answers it, and hands for the map. */

import type { Polygon } from "geojson";
import { expect } from "vitest";
import type { Schema } from "../../kit/api";
import { maps, type StillMap } from "../../kit/map/testing";
import { type Answer, fireEvent, naming, screen, serve, waitFor } from "../../kit/testing";
import type { Request } from "./requests";
import type { Check, Gap, RuleHit } from "./verdict";

export const SITE: Polygon = {
  type: "Polygon",
  coordinates: [
    [
      [118, 24],
      [118.1, 24],
      [118.1, 24.1],
      [118, 24],
    ],
  ],
};

export const EXECUTION = "POST /processes/check-compliance/execution";

export const hit = (change: Partial<RuleHit> = {}): RuleHit => ({
  rule: "national.redline.development",
  place: {
    scope: "control_area",
    name_zh: "生态保护红线",
    name_en: "Ecological red line",
    codes: ["xm.red.1"],
  },
  activity_zh: "开发建设",
  activity_en: "Development and building",
  presumed: false,
  decision: "forbidden",
  decision_zh: "禁止",
  decision_en: "Forbidden",
  severity: "high",
  conditions: [],
  legal_basis: "自然资发〔2022〕142号",
  text_zh: "红线内禁止开发",
  text_en: "No development within the line",
  confirm: false,
  excepted: false,
  exceptions: [],
  ...change,
});

export const gap = (change: Partial<Gap> = {}): Gap => ({
  code: "not_drawn:coastal_protection_line:xiamen",
  reason_zh: "未绘制",
  reason_en: "Not drawn",
  text_zh: "海岸保护线尚未绘制",
  text_en: "The coastal protection line is not drawn",
  decided: false,
  region: "xiamen",
  ...change,
});

/** A request that waits, for the site, as its approver is told of it. */
export const request = (change: Partial<Request> = {}): Request => ({
  code: "request-1f",
  state: "requested",
  state_name: "Waiting for a decision",
  rule: "national.redline.development",
  gap: null,
  about_name: "Ecological red line: Building",
  project: null,
  project_name: null,
  geometry_sha256: "0a1b",
  region: "xiamen",
  region_name: "Xiamen",
  control_area: null,
  reason: "A dam of national weight",
  valid_from: "2026-04-01",
  valid_to: null,
  requested_by: "key:planner",
  requested_at: "2026-03-15T02:00:00Z",
  decided_by: null,
  decided_at: null,
  decision_reason: null,
  exception: null,
  steps: ["grant", "refuse"],
  links: [],
  ...change,
});

/** What a check was asked for; each is asked for the shapes of its overlaps, too. */
export function questionIn<Inputs>(body: unknown): Inputs {
  const { shapes, ...inputs } = (body as { inputs: Inputs & { shapes: boolean } }).inputs;
  expect(shapes).toBe(true);
  return inputs as Inputs;
}

export const REQUESTS = "GET /compliance/exception-requests";
export const requestsOf = (...requests: Request[]) => ({
  requests,
  numberReturned: requests.length,
  links: [],
});

/** 1.5 ha with nothing against it, but for what a test says. */
export const checked = (change: Partial<Check> = {}): Check => ({
  verdict: "pass",
  verdict_zh: "通过",
  verdict_en: "Pass",
  reasons: [{ zh: "没有规则禁止", en: "No rule forbids it" }],
  as_of: "2026-03-15",
  project: null,
  geometry: {
    area_m2: 15_000,
    area_ha: 1.5,
    area_km2: 0.015,
    area_mu: 22.5,
    vertices: 4,
    sha256: "0a1b",
  },
  lines: [],
  zones: [],
  hits: [],
  duties: [],
  gaps: [],
  unknown_activities: [],
  ...change,
});

export const refusedCheck = (...hits: RuleHit[]) =>
  checked({
    verdict: "refused",
    verdict_zh: "不通过",
    verdict_en: "Refused",
    reasons: [{ zh: "红线内禁止开发建设", en: "Building is forbidden within the red line" }],
    hits: hits.length ? hits : [hit()],
  });

const activity = (code: string, name_zh: string, name_en: string) => ({
  code,
  name_zh,
  name_en,
  counts_as: [],
});
const ACTIVITIES: Schema<"ActivityList"> = {
  presumed: "development_construction",
  activities: [
    activity("mining", "采矿", "Mining"),
    activity("sand_mining", "采砂", "Sand mining"),
    activity("tourism", "旅游", "Tourism"),
  ],
  conditions: [],
  links: [],
};

export const serveChecks = (answers: Record<string, Answer> = {}) =>
  serve({
    [EXECUTION]: { result: checked() },
    "GET /compliance/activities": ACTIVITIES,
    [REQUESTS]: requestsOf(),
    "GET /actors": naming({ "key:planner": "Li Wei", "key:approver": "Wang Fang" }),
    "GET /collections/regions/items/xiamen": {
      type: "Feature",
      id: "xiamen",
      geometry: null,
      properties: {},
    },
    "GET /identify": ({ query }) => ({
      features: query.get("collections") === "regions" ? [{ id: "xiamen" }] : [],
    }),
    "GET /tiles/layers/{}/style.json": { sources: {}, layers: [] },
    ...answers,
  });

/** The map, once one can draw on it. */
export async function drawable(words: "zh" | "en" = "en"): Promise<StillMap> {
  const name = words === "en" ? "Undo" : "撤销";
  await waitFor(() =>
    expect(screen.getByRole("button", { name }).hasAttribute("disabled")).toBe(false),
  );
  return maps[0] as StillMap;
}

/** Click places by a mouse; the canvas has a hundred pixels to the degree. */
export function mouse(map: StillMap, ...places: [number, number][]) {
  const canvas = map.getCanvas();
  for (const at of places) {
    const { x: clientX, y: clientY } = map.project(at);
    const where = { clientX, clientY, button: 0, isPrimary: true, pointerId: 1 };
    fireEvent.pointerMove(canvas, where);
    fireEvent.pointerDown(canvas, where);
    fireEvent.pointerUp(canvas, where);
  }
}

export const corners = () => screen.getByLabelText<HTMLTextAreaElement>(/Corners|角点/);
export const checkButton = () => screen.getByRole("button", { name: /^(Check|审查)$/ });
