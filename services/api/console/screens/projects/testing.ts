/** For tests of projects: what the API answers about them. */

import type { Schema } from "../../kit/api";
import type { CollectionSchema, Feature } from "../../kit/features";
import type { Answer } from "../../kit/testing";
import type { Project } from "./register";

export const feature = (id: string, more: Partial<Project> = {}): Feature<Project> => ({
  type: "Feature",
  id,
  geometry: null,
  properties: {
    name_zh: `${id}项目`,
    name_en: `Project ${id}`,
    state: "proposed",
    state_name_zh: "已申报",
    state_name_en: "Proposed",
    region: "xiamen",
    plan: "xiamen-1",
    start_year: 2024,
    end_year: 2026,
    cost: "12000000.00",
    area_km2: 3.5,
    ...more,
  },
});

export const IMPLEMENTED = {
  state: "implementation",
  state_name_zh: "实施中",
  state_name_en: "Implementation",
} as const;

export const page = (features: readonly object[], next?: string) => ({
  type: "FeatureCollection",
  features,
  links: next ? [{ rel: "next", href: `${location.origin}${next}` }] : [],
});

/** The collection's schema in the language that is asked for, cut to some members. */
export const schema: Answer = ({ headers }) => {
  const zh = headers.get("Accept-Language") === "zh";
  return {
    type: "object",
    required: ["name_zh", "region"],
    properties: {
      geometry: { type: "object", "x-ogc-role": "primary-geometry" },
      code: { title: zh ? "代码" : "Code", type: "string", maxLength: 80 },
      name_zh: { title: zh ? "中文名称" : "Chinese name", type: "string", maxLength: 200 },
      name_en: { title: zh ? "英文名称" : "English name", type: "string", maxLength: 200 },
      region: { title: zh ? "区域" : "Region", type: "string", maxLength: 80 },
      plan: { title: zh ? "规划" : "Plan", type: "string", maxLength: 80 },
      start_year: { title: zh ? "开始年份" : "First year", type: "integer", minimum: 1900 },
      end_year: { title: zh ? "结束年份" : "Last year", type: "integer", minimum: 1900 },
      cost: { title: zh ? "投资" : "Cost", type: "string", pattern: "\\d+(\\.\\d{1,2})?" },
      summary_zh: { title: zh ? "中文摘要" : "Chinese summary", type: "string", maxLength: 4000 },
      state: { title: zh ? "状态" : "State", type: "string", readOnly: true },
      annotations: { title: zh ? "附注" : "Annotations", type: "object" },
    },
  } satisfies CollectionSchema;
};

export const step = (more: Partial<Schema<"ProjectStep">> = {}): Schema<"ProjectStep"> => ({
  to: "approved",
  name: "Approved",
  name_zh: "已批准",
  name_en: "Approved",
  allowed: true,
  role: {
    text: "approver or supervisor",
    text_zh: "须为审批或监管",
    text_en: "needs an approver or supervisor",
    any_of: ["approver", "supervisor"],
    met: true,
  },
  guard: "approval",
  rule: null,
  conditions: [],
  ...more,
});

export const condition = (code: string, met: boolean | null): Schema<"Condition"> => ({
  code,
  met,
  text: `${code} is there`,
  text_zh: `须有 ${code}`,
  text_en: `${code} is there`,
});

export const paper = (
  code: string,
  more: Partial<Schema<"ProjectDocument">> = {},
): Schema<"ProjectDocument"> => ({
  code,
  title_zh: `${code}文件`,
  title_en: `Paper ${code}`,
  kind: "design",
  measure: null,
  period_from: null,
  period_to: null,
  quantity: null,
  value: null,
  unit: null,
  collection: "projects",
  object: "P1",
  region: "xiamen",
  filename: `${code}.pdf`,
  media_type: "application/pdf",
  bytes: 2048,
  sha256: "0".repeat(64),
  visibility: "members",
  data_class: null,
  data_grade: null,
  uploaded_at: "2024-05-06T02:00:00Z",
  valid_from: null,
  valid_to: null,
  links: [],
  ...more,
});

export const measure = (
  code: string,
  more: Partial<Schema<"Measure">> = {},
): Schema<"Measure"> => ({
  measure: code,
  order: 1,
  name_zh: "种植红树林",
  name_en: "Planting mangroves",
  planned: 120,
  done: 30,
  unit: "ha",
  indicator: null,
  progress_percent: 25,
  ...more,
});

export const ledger = (more: Partial<Schema<"ProjectLedger">> = {}): Schema<"ProjectLedger"> => ({
  project: "P1",
  allocated: "5000000.00",
  paid: "1250000.00",
  balance: "3750000.00",
  currency: "CNY",
  by_source: [
    {
      source: "central-2024",
      name_zh: "中央资金",
      name_en: "Central funds",
      kind: "central",
      year: 2024,
      allowed_measures: null,
      allocated: "5000000.00",
      paid: "1250000.00",
      balance: "3750000.00",
    },
  ],
  by_year: [],
  entries: [],
  links: [],
  ...more,
});

export const dossier = (
  more: Partial<Schema<"ProjectDossier">> = {},
): Schema<"ProjectDossier"> => ({
  project: "P1",
  name: "Mangroves of Xiatanwei",
  name_zh: "下潭尾红树林",
  name_en: "Mangroves of Xiatanwei",
  state: "proposed",
  state_name: "Proposed",
  track: [
    { state: "draft", name: "Draft", terminal: false, place: "past" },
    { state: "proposed", name: "Proposed", terminal: false, place: "now" },
    { state: "approved", name: "Approved", terminal: false, place: "ahead" },
  ],
  transitions: [step()],
  measures: [],
  funds: null,
  documents: [],
  events: [],
  links: [],
  ...more,
});

export const effect = (
  more: Partial<Schema<"ProjectEffectShown">> = {},
): Schema<"ProjectEffectShown"> => ({
  project: "P1",
  name: "Mangroves of Xiatanwei",
  name_zh: "下潭尾红树林",
  name_en: "Mangroves of Xiatanwei",
  first_year: 2020,
  last_year: 2024,
  job: null,
  compared_on: null,
  areas: null,
  rasters: [],
  missing: [],
  pictures: null,
  indicators: [],
  photos: [],
  signs: [],
  links: [],
  ...more,
});
