/** Versions of a zoning and their zones: read, summed by class, and the steps of their states. */

import type { FeatureCollection } from "geojson";
import { read, type Schema } from "../../kit/api";
import { address, allFeatures, type Feature } from "../../kit/features";
import { readHeld } from "../../kit/held";
import { holds, may } from "../../kit/session";
import type { Tone } from "../../kit/ui";
import { called, t } from "../../kit/words";

export interface SchemeMembers {
  code: string;
  name_zh: string;
  name_en: string;
  version: number;
  status: string;
  kind: string;
  origin: string;
  job: string | null;
  region: string;
  valid_from: string | null;
  valid_to: string | null;
  gap_reason: string | null;
}

export type Scheme = Feature<SchemeMembers>;

export interface ZoneMembers extends Record<string, unknown> {
  code: string;
  class: string;
  class_value: number | null;
  class_name_zh: string;
  class_name_en: string;
  color: string | null;
  area_km2: number | null;
  name_zh: string;
  name_en: string;
  requirement_zh: string | null;
  requirement_en: string | null;
  zone_class: string;
  flags?: Flag[] | null;
  statistics?: { held_percent?: number } | null;
}

/** A remark of a computation. */
export interface Flag {
  code: string;
  detail: string;
  detail_zh: string;
}

export type Zone = Feature<ZoneMembers>;

export interface ZoneClass {
  code: string;
  class_code: string;
  name_zh: string;
  name_en: string;
  color: string | null;
  requirement_zh: string | null;
  requirement_en: string | null;
}

export const GREY = "#888888";

/** All versions of the schemes of a region, the newest of each first. */
export async function versionsOf(region: string, signal: AbortSignal): Promise<Scheme[]> {
  const properties =
    "code,name_zh,name_en,version,status,kind,origin,job,region,valid_from,valid_to,gap_reason";
  const found = await allFeatures<SchemeMembers>(
    "zone_schemes",
    // A filter that names versions asks for all of them.
    { region, filter: "version > 0", properties },
    signal,
  );
  return found.sort(
    (a, b) =>
      a.properties.code.localeCompare(b.properties.code) ||
      b.properties.version - a.properties.version,
  );
}

/** What tells versions apart in an address and in lists. */
export const keyOfScheme = ({ properties }: Scheme) => `${properties.code}@${properties.version}`;

export const versionName = ({ properties }: Scheme): string =>
  `${called(properties)} · ${t(`第 ${properties.version} 版`, `version ${properties.version}`)}`;

/** The zones of a version with their geometry. */
export const zonesOf = ({ properties }: Scheme, signal: AbortSignal): Promise<Zone[]> =>
  allFeatures<ZoneMembers>(
    "zones",
    { scheme: properties.code, version: properties.version },
    signal,
  );

/** The zones with the tag of their state, by which they can be redrawn. */
export async function readZones(
  scheme: Scheme,
  signal = new AbortController().signal,
): Promise<{ tag: string | null; zones: Zone[] }> {
  const { code, version } = scheme.properties;
  const place = `/zone-schemes/${encodeURIComponent(code)}/adjustments`;
  // The tag first: zones that change in between are newer than it, never older.
  const { etag } = await readHeld(address(place, { version }), signal);
  signal.throwIfAborted();
  return { tag: etag, zones: await zonesOf(scheme, signal) };
}

export const classesOf = async (kind: string): Promise<ZoneClass[]> =>
  (
    await read<{ zone_classes: ZoneClass[] }>(
      address("/zone-classes", { scheme_kind: kind, limit: 1000 }),
    )
  ).zone_classes;

export interface ClassSum {
  code: string;
  name_zh: string;
  name_en: string;
  color: string;
  requirement_zh: string | null;
  requirement_en: string | null;
  zones: Zone[];
  /** Square kilometres; null where none of them is drawn. */
  km2: number | null;
  /** Part of all that is drawn, 0–1. */
  share: number | null;
}

/** Zones by class in the order of the classes, with areas and shares. */
export function byClass(zones: readonly Zone[]): ClassSum[] {
  const sums = new Map<string, ClassSum & { order: number }>();
  for (const zone of zones) {
    const own = zone.properties;
    let sum = sums.get(own.class);
    if (!sum) {
      sum = {
        code: own.class,
        name_zh: own.class_name_zh,
        name_en: own.class_name_en,
        color: own.color ?? GREY,
        requirement_zh: own.requirement_zh,
        requirement_en: own.requirement_en,
        zones: [],
        km2: null,
        share: null,
        order: own.class_value ?? 0,
      };
      sums.set(own.class, sum);
    }
    sum.zones.push(zone);
    if (own.area_km2 !== null) sum.km2 = (sum.km2 ?? 0) + own.area_km2;
  }
  const whole = [...sums.values()].reduce((total, { km2 }) => total + (km2 ?? 0), 0);
  return [...sums.values()]
    .sort((a, b) => a.order - b.order)
    .map(({ order: _, ...sum }) => ({
      ...sum,
      share: sum.km2 === null || !whole ? null : sum.km2 / whole,
    }));
}

/** The zones as they are drawn: those that are chosen stand out, by class or by themselves. */
export function drawnZones(zones: readonly Zone[], chosen: ReadonlySet<string>): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: zones.flatMap(({ geometry, properties }) => {
      if (!geometry) return [];
      const picked = chosen.has(properties.code) || chosen.has(properties.class);
      const drawn = {
        code: properties.code,
        class: properties.class,
        color: properties.color ?? GREY,
        opacity: picked ? 0.9 : chosen.size ? 0.18 : 0.55,
        width: picked ? 2.5 : 0.6,
      };
      return [{ type: "Feature" as const, geometry, properties: drawn }];
    }),
  };
}

export interface Step {
  to: string;
  label: string;
  kind: "main" | "plain";
}

type Role = Schema<"RoleHeld">["role"];
const WRITERS: readonly Role[] = ["planner", "analyst"];
const STEPS: readonly {
  from: string;
  to: string;
  roles: readonly Role[];
  zh: string;
  en: string;
}[] = [
  { from: "draft", to: "review", roles: WRITERS, zh: "提交审查", en: "Submit for review" },
  { from: "review", to: "approved", roles: ["approver"], zh: "批准", en: "Approve" },
  { from: "review", to: "draft", roles: ["planner", "approver"], zh: "退回草案", en: "Send back" },
  { from: "approved", to: "published", roles: ["approver"], zh: "发布", en: "Publish" },
  {
    from: "approved",
    to: "draft",
    roles: ["planner", "approver"],
    zh: "退回草案",
    en: "Send back",
  },
];

/** Whether whoever is signed in may redraw the zones of a scheme. */
export const mayEdit = ({ properties: { region } }: Scheme): boolean =>
  may("write") && holds(WRITERS, region);

/** The steps that whoever is signed in may take; the service says what else must hold. */
export function stepsFrom({ properties: { status, region } }: Scheme): Step[] {
  return STEPS.filter(({ from, roles }) => from === status && holds(roles, region)).map(
    ({ to, zh, en }) => ({
      to,
      label: t(zh, en),
      kind: to === "draft" ? "plain" : "main",
    }),
  );
}

const STATES: Record<string, [zh: string, en: string, tone: Tone]> = {
  draft: ["草案", "draft", "warn"],
  review: ["审查中", "in review", "info"],
  approved: ["已批准", "approved", "info"],
  published: ["现行", "in force", "good"],
  superseded: ["已被取代", "superseded", "plain"],
};

export function stateOf(status: string): { word: string; tone: Tone } {
  const [zh, en, tone] = STATES[status] ?? [status, status, "plain" as const];
  return { word: t(zh, en), tone };
}

const ORIGINS: Record<string, [zh: string, en: string]> = {
  computed: ["计算", "computed"],
  drawn: ["绘制", "drawn"],
  imported: ["导入", "imported"],
  stated: ["原文载明", "as stated"],
};

export function originOf(origin: string): string {
  const [zh, en] = ORIGINS[origin] ?? [origin, origin];
  return t(zh, en);
}
