/** Which stations are silent, and since when; what was refused of what they sent, and why. */

import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { duration, moment, number } from "../../kit/format";
import { region } from "../../kit/place";
import { account } from "../../kit/session";
import { type Column, Table } from "../../kit/table";
import { Badge, Found, Panel } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { isSilent, noInterval, type Station, stationsOf } from "./readings";
import { lastOf } from "./stations";

/** How data arrive of a station: in time, in part, not any more, never did, or unjudged. */
export function arrivalOf({ newest, feature }: Pick<Station, "newest" | "feature">): {
  order: number;
  tone: "good" | "warn" | "bad" | "plain";
  text: string;
} {
  if (!newest.length) return { order: 1, tone: "plain", text: t("从未到报", "never arrived") };
  if (isSilent(newest)) return { order: 0, tone: "bad", text: t("中断", "silent") };
  const late = newest.filter(({ gap }) => gap).length;
  if (late) return { order: 2, tone: "warn", text: t(`${late} 项中断`, `${late} series silent`) };
  if (!feature.properties.interval_s) return { order: 3, tone: "plain", text: noInterval() };
  return { order: 4, tone: "good", text: t("正常", "in time") };
}

export function Health({ onOpen }: { onOpen: (code: string) => void }) {
  const here = region.value;
  const { asked, again } = useAsked((signal) => stationsOf(here, signal), [here || null]);
  return (
    <>
      <Found asked={asked} again={again}>
        {(stations) => {
          const sorted = [...stations].sort((a, b) => arrivalOf(a).order - arrivalOf(b).order);
          const well = stations.filter((one) => arrivalOf(one).tone === "good").length;
          return (
            <Panel
              title={t(
                `${stations.length} 个站点，${well} 个到报正常`,
                `${well} of ${stations.length} stations arrive in time`,
              )}
            >
              <p class="hint">
                {t(
                  "超过三个观测间隔没有新值即为中断。",
                  "Silent is what has sent no value for three of its intervals.",
                )}
              </p>
              <Table
                label={t("数据到报", "Feeds")}
                rows={sorted}
                keyOf={({ code }) => code}
                onOpen={({ code }) => onOpen(code)}
                columns={[
                  {
                    id: "name",
                    title: t("站点", "Station"),
                    cell: ({ feature }) => called(feature.properties),
                    order: ({ feature }) => called(feature.properties),
                  },
                  {
                    id: "state",
                    title: t("到报", "Arrival"),
                    cell: (station) => {
                      const { tone, text } = arrivalOf(station);
                      return <Badge tone={tone}>{text}</Badge>;
                    },
                    order: (station) => arrivalOf(station).order,
                  },
                  {
                    id: "last",
                    title: t("最后一次", "Last value"),
                    cell: ({ newest }) => moment(lastOf(newest)),
                    order: ({ newest }) => lastOf(newest),
                  },
                  {
                    id: "since",
                    title: t("距今", "Ago"),
                    cell: ({ newest }) => {
                      const last = lastOf(newest);
                      return last ? duration(last) : "–";
                    },
                  },
                  {
                    id: "interval",
                    title: t("观测间隔（分）", "Interval, min"),
                    cell: ({ feature }) => {
                      const seconds = feature.properties.interval_s as number | null | undefined;
                      return seconds ? number(seconds / 60) : "–";
                    },
                    numeric: true,
                  },
                ]}
              />
            </Panel>
          );
        }}
      </Found>
      {account.value && here && <Refused here={here} onOpen={onOpen} />}
    </>
  );
}

type Refusal = Schema<"RefusedObservations">;

const MEMBERS: Record<string, [zh: string, en: string]> = {
  "/station": ["站点", "station"],
  "/property": ["观测项目", "property"],
  "/time": ["时间", "time"],
  "/value": ["数值", "value"],
  "/unit": ["单位", "unit"],
  "/quality": ["质量", "quality"],
  "/result_time": ["结果时间", "time of the result"],
};

/** What was refused of late of the region's stations; of what names no station, to who may know. */
function Refused({ here, onOpen }: { here: string; onOpen: (code: string) => void }) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/observations/refused", { params: { query: { region: here } } })),
    [here],
  );
  return (
    <Found asked={asked} again={again}>
      {({ days, refused }) => {
        const total = refused.reduce((sum, one) => sum + one.number, 0);
        return (
          <Panel
            title={t(
              `最近 ${days} 天拒收 ${number(total)} 条观测`,
              `${number(total)} observations refused in ${days} days`,
            )}
          >
            <p class="hint">
              {t(
                "不合规则的数据不入库，改正后可重新发送。",
                "What breaks a rule is not stored; it can be put right and sent again.",
              )}
            </p>
            <Table
              label={t("拒收的数据", "Refused data")}
              rows={refused}
              keyOf={({ way, station, pointer }) => `${way} ${station ?? ""} ${pointer}`}
              empty={t("没有拒收的数据。", "Nothing was refused.")}
              columns={columnsOf(onOpen)}
            />
          </Panel>
        );
      }}
    </Found>
  );
}

const columnsOf = (onOpen: (code: string) => void): Column<Refusal>[] => [
  {
    id: "station",
    title: t("站点", "Station"),
    cell: ({ station, station_name }) =>
      station ? (
        <button type="button" class="link" onClick={() => onOpen(station)}>
          {station_name}
        </button>
      ) : (
        t("未知站点", "unknown station")
      ),
    order: ({ station_name }) => station_name,
  },
  { id: "way", title: t("来源", "Came by"), cell: ({ way_name }) => way_name },
  {
    id: "number",
    title: t("条数", "Rows"),
    cell: (one) => number(one.number),
    order: (one) => one.number,
    numeric: true,
  },
  {
    id: "last",
    title: t("最近一次", "Last"),
    cell: ({ last }) => moment(last),
    order: ({ last }) => last,
  },
  {
    id: "why",
    title: t("最近的原因", "Newest reason"),
    cell: ({ pointer, detail }) => {
      const member = MEMBERS[pointer];
      return member ? `${t(...member)}${t("：", ": ")}${detail}` : detail;
    },
  },
];
