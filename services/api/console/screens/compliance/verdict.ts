/** What a check answers, as the process `check-compliance` describes it. */

import type { Geometry } from "geojson";
import { Fault, write } from "../../kit/api";
import type { Tone } from "../../kit/ui";
import { t } from "../../kit/words";

export type Verdict = "pass" | "conditional" | "undetermined" | "refused";

export interface Sized {
  area_m2?: number;
  area_ha?: number;
  area_km2?: number;
  area_mu?: number;
  length_m?: number;
  share_percent?: number | null;
}

export interface LineHit extends Sized {
  kind: string;
  name_zh: string;
  name_en: string;
  areas: (Sized & {
    code: string;
    name_zh: string;
    name_en: string;
    level_zh: string | null;
    level_en: string | null;
    legal_basis: string | null;
    /** The part of the site that lies in it, simplified for drawing. */
    geometry?: Geometry;
  })[];
}

export interface ZoneHit extends Sized {
  scheme: string;
  class: string;
  name_zh: string;
  name_en: string;
  color: string;
  requirement_zh: string;
  requirement_en: string;
  zones: string[];
  geometry?: Geometry;
}

export interface RuleHit {
  rule: string;
  place: { scope: string; name_zh: string; name_en: string; codes: string[] };
  activity_zh: string;
  activity_en: string;
  presumed: boolean;
  decision: string;
  decision_zh: string;
  decision_en: string;
  severity: "high" | "medium" | "low" | "info";
  conditions: { code: string; name_zh: string; name_en: string; judged: boolean }[];
  legal_basis: string | null;
  text_zh: string | null;
  text_en: string | null;
  confirm: boolean;
  excepted: boolean;
  exceptions: string[];
}

export interface Gap {
  code: string;
  reason_zh: string;
  reason_en: string;
  text_zh: string;
  text_en: string;
  decided: boolean;
  region: string | null;
}

export interface Check {
  verdict: Verdict;
  verdict_zh: string;
  verdict_en: string;
  reasons: { zh: string; en: string }[];
  as_of: string;
  project: string | null;
  geometry: Sized & { vertices: number; sha256: string };
  lines: LineHit[];
  zones: ZoneHit[];
  hits: RuleHit[];
  /** What the place demands, whatever is done there. */
  duties: RuleHit[];
  gaps: Gap[];
  unknown_activities: string[];
}

export interface Asked {
  geometry?: Geometry;
  project?: string;
  /** The region where the place is said to lie. */
  region?: string;
  activities?: string[];
  /** The day whose rules hold; today without it. */
  as_of?: string;
}

export const TONES: Record<Verdict, Tone> = {
  pass: "good",
  conditional: "warn",
  undetermined: "warn",
  refused: "bad",
};

/** Ask for the verdict; it is a job only where the place is very large.
 * @throws Fault where the service refused. */
export async function check(inputs: Asked): Promise<Check> {
  const { data } = await write<{ result?: Check }>(
    "POST",
    "/processes/check-compliance/execution",
    { inputs: { ...inputs, shapes: true } },
  );
  if (data.result) return data.result;
  throw new Fault(
    0,
    t(
      "范围很大，已作为作业开始，请到计算中心查看结果。",
      "The place is very large: a job has begun, see the compute screen for its result.",
    ),
  );
}
