/** Numbers, areas, money and times as people write them. */

import { ZONE } from "./page";
import { lang, t } from "./words";

const NONE = "–";

const isNumber = (value: number | null | undefined): value is number => Number.isFinite(value);

/** What rounds to nothing has no sign. */
const written = (value: number, options: Intl.NumberFormatOptions = {}) =>
  value.toLocaleString("en-US", { signDisplay: "negative", ...options });
/** Square metres of a mu (亩): 15 to the hectare. */
export const MU_M2 = 10_000 / 15;

/** A number with separators and as many significant digits as it deserves; a dash for none. */
export function number(value: number | null | undefined, digits = 4): string {
  if (!isNumber(value)) return NONE;
  // Whole numbers are counts: they are shown to the last digit.
  if (Number.isInteger(value)) return written(value);
  if (Math.abs(value) < 1e-9) return "0";
  const size = Math.floor(Math.log10(Math.abs(value))) + 1;
  const decimals = Math.min(20, Math.max(0, digits - size));
  return written(value, { maximumFractionDigits: decimals });
}

/** A number with so many decimals. */
export function fixed(value: number | null | undefined, decimals: number): string {
  if (!isNumber(value)) return NONE;
  return written(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A share of 1 as per cent. */
export function percent(share: number | null | undefined, decimals = 1): string {
  return isNumber(share) ? `${fixed(share * 100, decimals)}%` : NONE;
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
  return isNumber(value) ? `${fixed(value, decimals)} ${t("平方公里", "km²")}` : NONE;
}

type Decimal = number | string | null | undefined;

const amountOf = (decimal: Decimal): number =>
  decimal === null || decimal === "" ? Number.NaN : Number(decimal);

/** Yuan in units of 10,000, as budgets are written. */
export function money(yuan: Decimal): string {
  const amount = amountOf(yuan);
  return isNumber(amount) ? `${number(amount / 1e4)} ${t("万元", "×10⁴ CNY")}` : NONE;
}

/** An amount of a ledger to its last decimal, of which there are at most four. */
export function exact(amount: Decimal): string {
  const value = amountOf(amount);
  return isNumber(value) ? written(value, { maximumFractionDigits: 4 }) : NONE;
}

/** Yuan of a ledger to the fen. */
export function yuan(amount: Decimal): string {
  const value = amountOf(amount);
  return isNumber(value) ? `${fixed(value, 2)} ${t("元", "CNY")}` : NONE;
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

/** The moment at which the bureau's clocks show a time such as 2026-01-01T08:00, as RFC 3339 in UTC. */
export function instant(local: string): string {
  const shown = Date.parse(`${local}Z`);
  // How far the clocks are ahead depends on the moment: the second look is right beside a change.
  let at = shown;
  for (let look = 0; look < 2; look++) at = shown - ahead(at);
  return new Date(at).toISOString();
}

/** How far the bureau's clocks are ahead of UTC at a moment, in milliseconds. */
function ahead(at: number): number {
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone: ZONE,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(at);
  return Date.parse(`${clock.replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000;
}

/** How long something took, or has taken. */
export function duration(from: string, to?: string | null): string {
  const seconds = Math.max(0, (to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000;
  if (seconds < 10) return `${fixed(Math.floor(seconds * 10) / 10, 1)} ${t("秒", "s")}`;
  if (seconds < 60) return `${Math.floor(seconds)} ${t("秒", "s")}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return `${minutes} ${t("分", "min")} ${Math.floor(seconds % 60)} ${t("秒", "s")}`;
  return `${Math.floor(minutes / 60)} ${t("小时", "h")} ${minutes % 60} ${t("分", "min")}`;
}
