/** Newest values of stations, what open alerts say of them, and how long stations are silent. */

import { api, ask, type Schema } from "../../kit/api";
import { address, allFeatures, type Feature } from "../../kit/features";
import { today } from "../../kit/format";
import { allRows, type Linked } from "../../kit/pages";
import { liesIn, within } from "../../kit/place";
import { account } from "../../kit/session";
import { LEVELS, levelColor, levelName } from "../../kit/terms";
import type { Tone } from "../../kit/ui";
import { t } from "../../kit/words";

export type Alert = Schema<"Alert">;
export type Rule = Schema<"AlertRule">;
/** A newest value of a station. */
export interface Newest {
  station: string;
  property: string;
  time: string;
  value: number;
  unit: string;
  gap: boolean;
}

export interface Station {
  code: string;
  feature: Feature;
  newest: readonly Newest[];
  /** Alerts that are not closed, the most serious first. */
  alerts: readonly Alert[];
}

/** The newest value of each series of a region and those below it. */
export async function newestOf(region: string, signal?: AbortSignal): Promise<Newest[]> {
  const query = new URLSearchParams({
    latest: "true",
    limit: "10000",
    filter: within(region),
  });
  const rowsOf = ({ observations }: Linked & { observations: Newest[] }) => observations;
  return allRows(`/observations?${query}`, rowsOf, signal);
}

/** Alerts at stations of a region and those below it that nobody has closed; none for the public,
 * which may not know of them. */
export async function alertsAtStations(region: string, signal?: AbortSignal): Promise<Alert[]> {
  if (!account.peek()) return [];
  const query = { subject: "station", region, limit: 1000 };
  const rowsOf = ({ alerts }: Schema<"Alerts">) => alerts;
  const found = ["open", "acknowledged"].map((status) =>
    allRows(address("/alerts", { ...query, status }), rowsOf, signal),
  );
  return (await Promise.all(found)).flat();
}

/** The stations of a region and those below it with what is known of them now. */
export async function stationsOf(region: string, signal?: AbortSignal): Promise<Station[]> {
  const [features, newest, alerts] = await Promise.all([
    allFeatures("stations", { filter: within(region), limit: 10_000 }, signal, Infinity),
    newestOf(region, signal),
    alertsAtStations(region, signal),
  ]);
  return joined(features, newest, alerts);
}

/** Stations beside their values and alerts. */
export function joined(
  features: readonly Feature[],
  newest: readonly Newest[],
  alerts: readonly Alert[],
): Station[] {
  const values = Map.groupBy(newest, ({ station }) => station);
  const about = Map.groupBy(alerts, ({ station }) => station);
  const rank = (alert: Alert) => LEVELS.findIndex(([code]) => code === alert.level);
  return features.map((feature) => ({
    code: feature.id,
    feature,
    newest: values.get(feature.id) ?? [],
    alerts: (about.get(feature.id) ?? []).sort((a, b) => rank(b) - rank(a)),
  }));
}

export interface State {
  tone: Tone;
  text: string;
  color: string;
}

export const noInterval = () => t("未定观测间隔", "no interval set");

/** How a station stands: beyond a limit, silent, never heard of, unjudged, or well. */
export function stateOf({ newest, alerts, feature }: Station): State {
  const worst = alerts.find(({ kind }) => kind !== "no_data");
  if (worst) {
    const tone = worst.level === "red" || worst.level === "orange" ? "bad" : "warn";
    const name = levelName(worst.level);
    return { tone, text: t(`${name}预警`, `${name} alert`), color: levelColor(worst.level) };
  }
  if (!newest.length)
    return { tone: "plain", text: t("尚无数据", "no data yet"), color: "#7b8a82" };
  if (isSilent(newest)) return { tone: "warn", text: t("数据中断", "silent"), color: "#6b4c9a" };
  if (!feature.properties.interval_s)
    return { tone: "plain", text: noInterval(), color: "#7b8a82" };
  return { tone: "good", text: t("正常", "normal"), color: "#17663f" };
}

/** Whether nothing has come of a station for longer than is usual. */
export const isSilent = (newest: readonly Newest[]): boolean =>
  newest.length > 0 && newest.every(({ gap }) => gap);

/** Limits of the rules that judge a property of a station today by its values. */
export function limitsFor(
  rules: readonly Rule[],
  { id, properties }: Feature,
  property: string | null,
): { level: string; value: number; rule: Rule }[] {
  const day = today();
  return rules
    .filter(
      (rule) =>
        (rule.kind === "above" || rule.kind === "below") &&
        rule.enabled &&
        rule.property === property &&
        (rule.stations === null || rule.stations.includes(id)) &&
        (rule.region === null || liesIn(properties.region, rule.region)) &&
        (rule.valid_from === null || rule.valid_from <= day) &&
        (rule.valid_to === null || rule.valid_to > day),
    )
    .flatMap((rule) =>
      LEVELS.flatMap(([level]) => {
        const value = rule.limits[level];
        return value === undefined ? [] : [{ level, value: Number(value), rule }];
      }),
    );
}

/** The names of what is observed, by code, and their units. */
export async function propertyNames(): Promise<Map<string, Schema<"ObservedProperty">>> {
  const { properties } = await ask(api.GET("/properties"));
  return new Map(properties.map((one) => [one.code, one]));
}
