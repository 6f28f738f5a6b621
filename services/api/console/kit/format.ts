/** Numbers, areas, money and times as people write them. */

import { ZONE } from "./page";
import { lang, t } from "./words";

const NONE = "–";
/** Square metres of a mu (亩): 15 to the hectare. */
export const MU_M2 = 10_000 / 15;

/** A number with separators and as many significant digits as it deserves; a dash for none. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  // Whole numbers are counts: they are shown to the last digit.
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  if (Math.abs(value) < 1e-9) return "0";
  const size = Math.floor(Math.log10(Math.abs(value))) + 1;
  const decimals = Math.min(20, Math.max(0, digits - size));
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals });
}

/** A number with so many decimals. */
export function fixed(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** A share of 1 as per cent. */
export function percent(share: number | null | undefined, decimals = 1): string {
  return share === null || share === undefined ? NONE : `${fixed(share * 100, decimals)}%`;
}

export interface Area {
  ha: string;
  km2: string;
  mu: string;
}

/** An area of square metres in the three units that planners use. */
export function area(m2: number): Area {
  return {
    ha: `${fixed(m2 / 1e4, 4)} ${t("公顷", "ha")}`,
    km2: `${fixed(m2 / 1e6, 4)} ${t("平方公里", "km²")}`,
    mu: `${fixed(m2 / MU_M2, 2)} ${t("亩", "mu")}`,
  };
}

/** Square kilometres with their unit. */
export function km2(value: number | null | undefined, decimals = 2): string {
  return value === null || value === undefined
    ? NONE
    : `${fixed(value, decimals)} ${t("平方公里", "km²")}`;
}

/** Yuan in units of 10,000, as budgets are written. */
export function money(yuan: number | string | null | undefined): string {
  if (yuan === null || yuan === undefined || yuan === "") return NONE;
  return `${number(Number(yuan) / 1e4)} ${t("万元", "×10⁴ CNY")}`;
}

/** A number of bytes. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = count;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit ? fixed(size, 1) : count} ${units[unit]}`;
}

/** A moment as the bureau's clocks show it. */
export function moment(at: string | null | undefined): string {
  if (!at) return NONE;
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: ZONE,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  }).format(new Date(at));
}

/** A day in words. */
export function day(at: string | null | undefined): string {
  if (!at) return NONE;
  const dayAlone = /^\d{4}-\d{2}-\d{2}$/.test(at);
  return new Intl.DateTimeFormat(lang.value === "zh" ? "zh-CN" : "en-GB", {
    timeZone: dayAlone ? "UTC" : ZONE,
    dateStyle: "medium",
  }).format(new Date(at));
}

/** Today where the bureau is, as YYYY-MM-DD. */
export function today(now = new Date()): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE }).format(now);
}

/** How long something took, or has taken. */
export function duration(from: string, to?: string | null): string {
  const seconds = Math.max(0, (to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000;
  if (seconds < 60) return `${fixed(seconds, seconds < 10 ? 1 : 0)} ${t("秒", "s")}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return `${minutes} ${t("分", "min")} ${Math.floor(seconds % 60)} ${t("秒", "s")}`;
  return `${Math.floor(minutes / 60)} ${t("小时", "h")} ${minutes % 60} ${t("分", "min")}`;
}
