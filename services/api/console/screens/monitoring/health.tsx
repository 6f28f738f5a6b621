/** Which stations are silent, and since when. */

import { useAsked } from "../../kit/asked";
import { duration, moment, number } from "../../kit/format";
import { region } from "../../kit/place";
import { Table } from "../../kit/table";
import { Badge, Found, Panel } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { isSilent, type Station, stationsOf } from "./readings";
import { lastOf } from "./stations";

/** How data arrive of a station: in time, in part, not any more, or never did. */
export function arrivalOf({ newest }: Pick<Station, "newest">): {
  order: number;
  tone: "good" | "warn" | "bad" | "plain";
  text: string;
} {
  if (!newest.length) return { order: 1, tone: "plain", text: t("从未到报", "never arrived") };
  if (isSilent(newest)) return { order: 0, tone: "bad", text: t("中断", "silent") };
  const late = newest.filter(({ gap }) => gap).length;
  if (late) return { order: 2, tone: "warn", text: t(`${late} 项中断`, `${late} series silent`) };
  return { order: 3, tone: "good", text: t("正常", "in time") };
}

export function Health({ onOpen }: { onOpen: (code: string) => void }) {
  const here = region.value;
  const { asked, again } = useAsked((signal) => stationsOf(here, signal), [here || null]);
  return (
    <Found asked={asked} again={again}>
      {(stations) => {
        const sorted = [...stations].sort((a, b) => arrivalOf(a).order - arrivalOf(b).order);
        const well = stations.filter((one) => arrivalOf(one).order === 3).length;
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
  );
}
