/** Stations on the map and in a table, each with its state. */

import type { FeatureCollection } from "geojson";
import { useMemo, useRef } from "preact/hooks";
import { useAsked } from "../../kit/asked";
import { moment } from "../../kit/format";
import type { MapPane } from "../../kit/map/engine";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { region } from "../../kit/place";
import { Table } from "../../kit/table";
import { quantity } from "../../kit/terms";
import { Badge, Found } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { propertyNames, type Station, stateOf, stationsOf } from "./readings";

/** Stations of the region. */
export function StationMap({ onOpen }: { onOpen: (code: string) => void }) {
  const here = region.value;
  const { asked, again } = useAsked(
    async (signal) => ({ stations: await stationsOf(here, signal), names: await propertyNames() }),
    [here || null],
  );
  const stations = asked.value.data?.stations;
  const drawn = useMemo(() => drawing(stations ?? []), [stations]);
  const pane = useRef<MapPane | null>(null);
  const pick = (at: Clicked) => {
    const zoom = pane.current?.map.getZoom() ?? 0;
    const found = closest(stations ?? [], at, (NEAR_PX * 360) / (512 * 2 ** zoom));
    if (found) onOpen(found.code);
  };
  return (
    <>
      <div class="station-map">
        <MapView
          label={t("站点地图", "Map of stations")}
          layers={[]}
          features={drawn}
          onClick={pick}
          onPane={(made) => {
            pane.current = made;
          }}
        />
      </div>
      <Found asked={asked} again={again}>
        {({ stations, names }) => (
          <Table
            label={t("站点", "Stations")}
            rows={stations}
            keyOf={({ code }) => code}
            onOpen={({ code }) => onOpen(code)}
            empty={t("这里还没有站点。", "There are no stations here yet.")}
            columns={[
              {
                id: "name",
                title: t("站点", "Station"),
                cell: ({ feature }) => called(feature.properties),
                order: ({ feature }) => called(feature.properties),
              },
              {
                id: "state",
                title: t("状态", "State"),
                cell: (station) => {
                  const { tone, text } = stateOf(station);
                  return <Badge tone={tone}>{text}</Badge>;
                },
                order: (station) => stateOf(station).text,
              },
              {
                id: "values",
                title: t("最新值", "Newest values"),
                cell: ({ newest }) =>
                  newest
                    .slice(0, 3)
                    .map(({ property, value, unit }) => {
                      const of = names.get(property);
                      return `${of ? called(of) : property} ${quantity(value, unit)}`;
                    })
                    .join(t("；", "; ")) || "–",
              },
              {
                id: "time",
                title: t("时间", "Time"),
                cell: ({ newest }) => moment(lastOf(newest)),
                order: ({ newest }) => lastOf(newest),
              },
            ]}
          />
        )}
      </Found>
    </>
  );
}

/** When something came last. */
export const lastOf = (newest: readonly { time: string }[]): string | undefined =>
  newest
    .map(({ time }) => time)
    .sort()
    .at(-1);

function drawing(stations: readonly Station[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: stations.flatMap((station) => {
      const { geometry, properties } = station.feature;
      if (!geometry) return [];
      const { color } = stateOf(station);
      return [
        {
          type: "Feature" as const,
          geometry,
          properties: { color, label: called(properties), radius: 8 },
        },
      ];
    }),
  };
}

/** Pixels within which a click means a station, whose mark has half of that for its radius. */
const NEAR_PX = 16;

/** The station nearest to a place, within some degrees. */
export function closest(
  stations: readonly Station[],
  { lon, lat }: Clicked,
  near: number,
): Station | undefined {
  const far = ({ feature: { geometry } }: Station) =>
    geometry?.type === "Point"
      ? Math.hypot((geometry.coordinates[0] ?? 0) - lon, (geometry.coordinates[1] ?? 0) - lat)
      : Number.POSITIVE_INFINITY;
  const [first] = [...stations].sort((a, b) => far(a) - far(b));
  return first && far(first) <= near ? first : undefined;
}
