/** Words for codes that several screens show, each said once. */

import type { Schema } from "./api";
import { number } from "./format";
import type { Tone } from "./ui";
import { t } from "./words";

export type Level = Schema<"Alert">["level"];

const ROLES: Record<Schema<"Role">, [zh: string, en: string]> = {
  viewer: ["查看", "Viewer"],
  owner: ["项目单位", "Owner"],
  planner: ["规划编制", "Planner"],
  approver: ["审批", "Approver"],
  supervisor: ["监管", "Supervisor"],
  analyst: ["分析", "Analyst"],
  auditor: ["审计", "Auditor"],
  feed: ["数据接入", "Feed"],
  admin: ["管理", "Administrator"],
};

/** All roles, those that may do least first. */
export const ROLE_CODES = Object.keys(ROLES) as Schema<"Role">[];

export const roleTitle = (role: Schema<"Role">): string => t(...ROLES[role]);

/** Levels of alerts from the least to the most serious. */
export const LEVELS: readonly [Level, zh: string, en: string, color: string][] = [
  ["blue", "蓝色", "blue", "#1f6fd1"],
  ["yellow", "黄色", "yellow", "#e6b800"],
  ["orange", "橙色", "orange", "#e87500"],
  ["red", "红色", "red", "#c81e1e"],
];

export const levelName = (level: string): string => {
  const found = LEVELS.find(([code]) => code === level);
  return found ? t(found[1], found[2]) : level;
};

export const levelColor = (level: string) => LEVELS.find(([code]) => code === level)?.[3] ?? "";

export type Worded = [zh: string, en: string, tone: Tone];

/** How indicators stand to their targets. */
export const STANDINGS: Record<Schema<"JudgedIndicator">["status"], Worded> = {
  reached: ["达成", "reached", "good"],
  on_track: ["进展正常", "on track", "info"],
  behind: ["滞后", "behind", "bad"],
  no_data: ["未评价", "not judged", "plain"],
};

export const DUTY_STATES: Record<Schema<"BoardDuty">["state"], Worded> = {
  open: ["未开展", "open", "plain"],
  on_track: ["推进中", "on track", "info"],
  late: ["滞后", "late", "bad"],
  done: ["完成", "done", "good"],
  dropped: ["终止", "dropped", "plain"],
};

const UNITS: Record<string, [zh: string, en: string]> = {
  km2: ["平方公里", "km²"],
  km: ["公里", "km"],
  m: ["米", "m"],
  m2: ["平方米", "m²"],
  m3: ["立方米", "m³"],
  ha: ["公顷", "ha"],
  mu: ["亩", "mu"],
  kg: ["千克", "kg"],
  t: ["吨", "t"],
  tC: ["吨碳", "t C"],
  tCO2: ["吨二氧化碳", "t CO₂"],
  CNY: ["元", "CNY"],
  a: ["年", "a"],
  yr: ["年", "a"],
  year: ["年", "a"],
  s: ["秒", "s"],
  days: ["天", "days"],
  d: ["天", "d"],
  jobs: ["个岗位", "jobs"],
  firms: ["家企业", "firms"],
  plots: ["个地块", "plots"],
  projects: ["个项目", "projects"],
  towns: ["个镇街", "towns"],
  villages: ["个村", "villages"],
  provinces: ["个省份", "provinces"],
  deg: ["°", "°"],
  "1": ["", ""],
  count: ["个", ""],
  permille: ["‰", "‰"],
  person: ["人", "persons"],
  persons: ["人", "persons"],
  Cel: ["°C", "°C"],
  // Concentrations are written by their signs in both languages.
  "ug/m3": ["µg/m³", "µg/m³"],
  "mg/m3": ["mg/m³", "mg/m³"],
  "ug/L": ["µg/L", "µg/L"],
  "uS/cm": ["µS/cm", "µS/cm"],
};
const TENS: Record<string, [zh: string, en: string]> = {
  "10^4": ["万", "×10⁴ "],
  "10^8": ["亿", "×10⁸ "],
};

/** A value with its unit, as people write it: a pure number has none. */
export function quantity(value: number | null | undefined, unit: string | null): string {
  const unitOf = typeof value === "number" ? unitName(unit ?? "1") : "";
  return `${number(value)} ${unitOf}`.trim();
}

/** What was remarked when the value that an indicator shows was recorded. */
export function valueNote(remarks: readonly { code: string; zh: string }[]): string | undefined {
  return remarks.find(({ code }) => code === "value_note")?.zh;
}

/** How a unit is written for people: `10^4 m3` as 万立方米. Words and signs are not mixed. */
export function unitName(code: string): string {
  const [, power = "", unit = code] = /^(10\^\d)\s+(.+)$/.exec(code) ?? [];
  const parts = unit in UNITS ? [unit] : unit.split("/");
  const inWords = parts.every((part) => part in UNITS);
  const words = parts.map((part) => {
    const known = UNITS[part];
    return known ? (inWords ? t(...known) : known[1]) : part;
  });
  const tens = TENS[power];
  return (tens ? t(...tens) : power && `${power} `) + words.join("/");
}
