/** One station: its newest values against the limits, and a property over time. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, ask, read } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Chart, type Limit, type Point } from "../../kit/chart";
import { type Feature, readFeature } from "../../kit/features";
import { moment, number } from "../../kit/format";
import { API } from "../../kit/page";
import { account } from "../../kit/session";
import { Table } from "../../kit/table";
import { levelColor, levelName, quantity, unitName } from "../../kit/terms";
import { Badge, Button, Empty, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { limitsFor, type Newest, propertyNames, type Rule } from "./readings";

/** How a series is told: each value, or what it was on average. */
const STEPS: readonly [id: string, zh: string, en: string, days: number, seconds: number][] = [
  ["values", "逐次观测（3 天）", "each value (3 days)", 3, 0],
  ["hour", "小时均值（31 天）", "hourly means (31 days)", 31, 3600],
  ["day", "日均值（1 年）", "daily means (a year)", 366, 86_400],
  ["month", "月均值（10 年）", "monthly means (10 years)", 3660, 31 * 86_400],
];
const DAY_MS = 86_400_000;

interface Row {
  time: string;
  value?: number;
  mean?: number;
}

/** Where a series is read, up to its newest value. */
export function seriesPath(newest: Newest, step: string): string {
  const days = STEPS.find(([id]) => id === step)?.[3] ?? 31;
  const from = new Date(Date.parse(newest.time) - days * DAY_MS).toISOString();
  const query = new URLSearchParams({
    station: newest.station,
    property: newest.property,
    datetime: `${from}/${newest.time}`,
    limit: "10000",
    ...(step === "values" ? {} : { every: step }),
  });
  return `/observations?${query}`;
}

export function StationDetails({
  code,
  property,
  onBack,
}: {
  code: string;
  property: string | undefined;
  onBack: () => void;
}) {
  const chosen = useSignal(property ?? "");
  const { asked, again } = useAsked(
    async (signal) => {
      const query = new URLSearchParams({ station: code, latest: "true", limit: "1000" });
      const [station, { observations }, names, rules] = await Promise.all([
        readFeature("stations", code, signal),
        read<{ observations: Newest[] }>(`/observations?${query}`, signal),
        propertyNames(),
        account.peek() ? ask(api.GET("/alert-rules")) : null,
      ]);
      return { station: station.data, newest: observations, names, rules: rules?.rules ?? [] };
    },
    [code, account.value?.owner],
  );
  return (
    <Found asked={asked} again={again}>
      {({ station, newest, names, rules }) => {
        const shown =
          newest.find((one) => one.property === chosen.value) ??
          newest.find((one) => limitsFor(rules, station, one.property).length) ??
          newest[0];
        const name = (of: string) => {
          const found = names.get(of);
          return found ? called(found) : of;
        };
        return (
          <>
            <Panel
              title={called(station.properties)}
              actions={
                <>
                  <a
                    class="button"
                    href={`${API}/stations/${encodeURIComponent(code)}/observations?f=html`}
                  >
                    {t("站点页面", "Page of the station")}
                  </a>
                  <Button onClick={onBack}>{t("返回", "Back")}</Button>
                </>
              }
            >
              <Table
                label={t("最新值", "Newest values")}
                rows={newest}
                keyOf={(one) => one.property}
                onOpen={(one) => {
                  chosen.value = one.property;
                }}
                chosen={shown?.property ?? null}
                empty={t("还没有数据。", "Nothing has come yet.")}
                columns={[
                  { id: "of", title: t("指标", "Property"), cell: (one) => name(one.property) },
                  {
                    id: "value",
                    title: t("最新值", "Newest"),
                    cell: (one) => quantity(one.value, one.unit),
                    numeric: true,
                  },
                  {
                    id: "limits",
                    title: t("限值", "Limits"),
                    cell: (one) => (
                      <Judged value={one.value} limits={limitsFor(rules, station, one.property)} />
                    ),
                  },
                  { id: "time", title: t("时间", "Time"), cell: (one) => moment(one.time) },
                  {
                    id: "gap",
                    title: t("到报", "Arrival"),
                    cell: ({ gap }) => (
                      <Badge tone={gap ? "warn" : "good"}>
                        {gap ? t("中断", "silent") : t("正常", "in time")}
                      </Badge>
                    ),
                  },
                ]}
              />
            </Panel>
            {shown && (
              <Series
                key={shown.property}
                newest={shown}
                title={name(shown.property)}
                station={station}
                rules={rules}
              />
            )}
          </>
        );
      }}
    </Found>
  );
}

type Limits = ReturnType<typeof limitsFor>;

/** The limits a value is judged by, those it is beyond marked. */
function Judged({ value, limits }: { value: number; limits: Limits }) {
  if (!limits.length) return <>–</>;
  return (
    <span class="inline">
      {limits.map(({ level, value: limit, rule }) => {
        const beyond = rule.kind === "above" ? value > limit : value < limit;
        return (
          <Badge key={rule.code + level} tone={beyond ? "bad" : "plain"}>
            {levelName(level)} {rule.kind === "above" ? ">" : "<"} {number(limit)}
            {beyond && t("（已超）", " (beyond)")}
          </Badge>
        );
      })}
    </span>
  );
}

function Series({
  newest,
  title,
  station,
  rules,
}: {
  newest: Newest;
  title: string;
  station: Feature;
  rules: readonly Rule[];
}) {
  const step = useSignal("hour");
  const { asked, again } = useAsked(
    (signal) => read<{ observations: Row[] }>(seriesPath(newest, step.value), signal),
    [newest.station, newest.property, step.value],
  );
  const rows = asked.value.data?.observations;
  const lines = useMemo(() => [{ title, points: (rows ?? []).map(pointOf) }], [rows, title]);
  const limits = useMemo<Limit[]>(
    () =>
      limitsFor(rules, station, newest.property).map(({ level, value, rule }) => ({
        title: `${called(rule)} · ${levelName(level)}`,
        value,
        color: levelColor(level),
      })),
    [rules, station, newest.property],
  );
  const seconds = STEPS.find(([id]) => id === step.value)?.[4] ?? 0;
  return (
    <Panel
      title={title}
      actions={
        <Select
          aria-label={t("时间分辨率", "By hour, day or month")}
          choices={STEPS.map(([value, zh, en]) => ({ value, label: t(zh, en) }))}
          value={step.value}
          onChoose={(id) => {
            step.value = id;
          }}
        />
      }
    >
      <Found asked={asked} again={again}>
        {({ observations }) =>
          observations.length ? (
            <Chart
              label={title}
              unit={unitName(newest.unit)}
              lines={lines}
              limits={limits}
              gap_s={seconds ? seconds * 1.5 : undefined}
            />
          ) : (
            <Empty>{t("这段时间没有数据。", "Nothing in this time.")}</Empty>
          )
        }
      </Found>
    </Panel>
  );
}

/** A value, or the mean of a stretch of time. */
export const pointOf = ({ time, value, mean }: Row): Point => ({
  time,
  value: value ?? mean ?? Number.NaN,
});
