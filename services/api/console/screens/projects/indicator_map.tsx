/** An indicator by region: a map in classes of its value or of how far its target is reached. */

import { useSignal } from "@preact/signals";
import type { Feature as Drawn, FeatureCollection, Geometry, Position } from "geojson";
import { useMemo } from "preact/hooks";
import { api, ask, type Schema } from "../../kit/api";
import { allFeatures, type Feature } from "../../kit/features";
import { number } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import type { MapPane } from "../../kit/map/engine";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { Table } from "../../kit/table";
import { STANDINGS, unitName } from "../../kit/terms";
import { Badge, Empty, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";

export type Judged = Schema<"JudgedIndicator">;

/** A region of a plan with how its indicators stand in a year. */
export interface Place {
  feature: Feature;
  indicators: readonly Judged[];
}

/** The region of a plan and those below it: what there is to be seen of indicators by region. */
export interface Places {
  own: Place;
  /** Those right below that have a shape. */
  below: readonly Place[];
  /** How many right below have none. */
  undrawn: number;
}

/** Basins, bays and the like lie across these, and would cover them. */
const ADMINISTRATIVE = ["province", "city", "district", "street", "town"];

/** Ask how the indicators of a plan stand in its region and in those right below, in a year.
 * @param region Code of the plan's region.
 * @throws Fault where the service refused. */
export async function placesOf(
  plan: string,
  region: string,
  year: number,
  signal: AbortSignal,
): Promise<Places> {
  const quoted = region.replaceAll("'", "''");
  const filter = `code = '${quoted}' OR parent = '${quoted}'`;
  const properties = "code,name_zh,name_en,level,parent";
  const found = await allFeatures("regions", { filter, properties }, signal);
  const standing = async (feature: Feature): Promise<Place> => {
    const query = { region: feature.id, year };
    const params = { path: { plan }, query };
    const { indicators } = await ask(api.GET("/plans/{plan}/progress", { params, signal }));
    return { feature, indicators };
  };
  const listed = found.filter(
    ({ id, properties: { level } }) => id !== region && ADMINISTRATIVE.includes(String(level)),
  );
  const drawn = listed.filter(({ geometry }) => geometry);
  const own = found.find(({ id }) => id === region);
  const whole: Feature = own ?? { type: "Feature", id: region, geometry: null, properties: {} };
  const [first, ...below] = await Promise.all([whole, ...drawn].map(standing));
  return { own: first as Place, below, undrawn: listed.length - drawn.length };
}

/** From few to much; each and the grey of no data stay apart under three colour-vision simulations. */
export const RAMP = ["#f6e04b", "#86ba79", "#1f8a8c", "#3b528b", "#3a0e41"] as const;
export const NO_DATA_GREY = "#e4e4e6";
export const STANDING_COLORS: Record<Judged["status"], string> = {
  reached: "#123f7a",
  on_track: "#69b3e7",
  behind: "#b3541e",
  no_data: NO_DATA_GREY,
};
const OUTLINE = "#33444d";
const CHOSEN = "#c2185b";

export type Shade = "value" | "way" | "standing";

export interface ShadeClass {
  color: string;
  label: string;
  holds: (one: Judged) => boolean;
}

const known: Record<Shade, (one: Judged) => boolean> = {
  value: ({ value }) => value !== null,
  way: ({ progress_percent }) => progress_percent !== null,
  standing: ({ status }) => status !== "no_data",
};

/** The classes of a map: of values five alike wide between the least and the greatest, of the way
 * to the target its quarters and what is beyond. No data is none of them. */
export function classesFor(shade: Shade, seen: readonly Judged[]): ShadeClass[] {
  if (shade === "standing")
    return (["reached", "on_track", "behind"] as const).map((status) => ({
      color: STANDING_COLORS[status],
      label: standingName(status),
      holds: (one) => one.status === status,
    }));
  if (shade === "way")
    return RAMP.map((color, n) => {
      const [from, to] = [n * 25, (n + 1) * 25];
      return {
        color,
        label: n === 4 ? "≥ 100 %" : n === 0 ? "< 25 %" : `${from}–${to} %`,
        holds: ({ progress_percent: at }) =>
          at !== null && (n === 0 || at >= from) && (n === 4 || at < to),
      };
    });
  const values = seen.flatMap(({ value }) => (value === null ? [] : [value]));
  if (!values.length) return [];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high)
    return [{ color: RAMP[2], label: number(low), holds: ({ value }) => value !== null }];
  const edge = (n: number) => (n === RAMP.length ? high : low + ((high - low) * n) / RAMP.length);
  return RAMP.map((color, n) => ({
    color,
    label: `${number(edge(n))} – ${number(edge(n + 1))}`,
    holds: ({ value }) =>
      value !== null && value >= edge(n) && (n === RAMP.length - 1 || value < edge(n + 1)),
  }));
}

/** What a map shows of an indicator: the regions below where any of them has data, else the whole. */
export function shownOf(places: Places, indicator: string, shade: Shade): readonly Place[] {
  const has = (place: Place) => {
    const one = judgedIn(place, indicator);
    return one !== undefined && known[shade](one);
  };
  return places.below.some(has) ? places.below : [places.own];
}

/** How an indicator stands in a region. */
export const judgedIn = (place: Place, indicator: string): Judged | undefined =>
  place.indicators.find((one) => one.indicator === indicator);

/** Regions in the colour of their class with name and figure, and their outlines. */
export function coloured(
  places: readonly Place[],
  indicator: string,
  shade: Shade,
  chosen: string,
): FeatureCollection {
  const seen = places.flatMap((place) => judgedIn(place, indicator) ?? []);
  const classes = classesFor(shade, seen);
  const areas: Drawn[] = [];
  const outlines: Drawn[] = [];
  for (const { feature, ...place } of places) {
    const { geometry, id } = feature;
    if (!geometry) continue;
    const one = judgedIn({ feature, ...place }, indicator);
    const color = classes.find(({ holds }) => one && holds(one))?.color ?? NO_DATA_GREY;
    const label = `${called(feature.properties)}\n${figureOf(one, shade)}`;
    areas.push({
      type: "Feature",
      geometry,
      properties: { code: id, color, label, opacity: 1, width: 0 },
    });
    const here = id === chosen;
    const line = { color: here ? CHOSEN : OUTLINE, width: here ? 4 : 1 };
    const outline = { type: "Feature" as const, geometry: ringsOf(geometry), properties: line };
    // What is chosen is drawn last, over the outlines of its neighbours.
    if (here) outlines.push(outline);
    else outlines.unshift(outline);
  }
  return { type: "FeatureCollection", features: [...areas, ...outlines] };
}

const ringsOf = (geometry: Geometry): Geometry => {
  const rings: Position[][] =
    geometry.type === "MultiPolygon"
      ? geometry.coordinates.flat()
      : geometry.type === "Polygon"
        ? geometry.coordinates
        : [];
  return { type: "MultiLineString", coordinates: rings };
};

const standingName = (status: Judged["status"]) => t(STANDINGS[status][0], STANDINGS[status][1]);

/** What a map writes under the name of a region. */
function figureOf(one: Judged | undefined, shade: Shade): string {
  if (shade === "standing") return standingName(one?.status ?? "no_data");
  if (!one || !known[shade](one)) return t("无数据", "no data");
  return shade === "value" ? number(one.value) : `${number(one.progress_percent, 3)} %`;
}

export function IndicatorMap({
  places,
  indicator,
  chosen,
  onChoose,
}: {
  places: Places;
  indicator: string;
  /** Code of the region that is chosen; empty for none. */
  chosen: string;
  onChoose: (code: string) => void;
}) {
  const shade = useSignal<Shade>("value");
  const pane = useSignal<MapPane | null>(null);
  const shown = shownOf(places, indicator, shade.value);
  const features = useMemo(
    () => coloured(shown, indicator, shade.value, chosen),
    [shown, indicator, shade.value, chosen],
  );
  const bounds = useMemo(() => boundsOf(places.own.feature.geometry), [places.own]);
  const rows = [places.own, ...places.below];
  const toggle = (code: string) => onChoose(code === chosen ? "" : code);
  const pick = ({ lon, lat }: Clicked) => {
    const map = pane.value?.map;
    const found = map?.queryRenderedFeatures(map.project([lon, lat]), { layers: ["overlay-fill"] });
    const code = found?.[0]?.properties.code;
    if (code) toggle(String(code));
  };
  const unit = unitName(judgedIn(places.own, indicator)?.unit ?? "1");
  const drawable = shown.some(({ feature }) => feature.geometry);
  return (
    <>
      <div class="inline">
        <Select
          aria-label={t("按什么着色", "Coloured by")}
          value={shade.value}
          onChoose={(to) => {
            shade.value = to as Shade;
          }}
          choices={[
            { value: "value", label: t("数值", "value") },
            { value: "way", label: t("目标完成程度", "how far the target is reached") },
            { value: "standing", label: t("进展", "standing") },
          ]}
        />
      </div>
      <Reach places={places} shown={shown} />
      {drawable ? (
        <div class="by-region">
          <MapView
            label={t("指标分区域图", "Map of the indicator")}
            layers={[]}
            features={features}
            bounds={bounds}
            onClick={pick}
            onPane={(made) => {
              pane.value = made;
            }}
          />
          <Key shade={shade.value} shown={shown} indicator={indicator} unit={unit} />
        </div>
      ) : (
        <Empty>{t("该区域尚无边界，无法成图。", "The region has no shape to draw.")}</Empty>
      )}
      <Table
        label={t("各区域", "By region")}
        rows={rows}
        keyOf={({ feature }) => feature.id}
        chosen={chosen || null}
        onOpen={({ feature }) => toggle(feature.id)}
        columns={[
          {
            id: "region",
            title: t("区域", "Region"),
            cell: ({ feature }) => called(feature.properties) || feature.id,
            order: ({ feature }) => called(feature.properties) || feature.id,
          },
          {
            id: "value",
            title: unit ? t(`数值（${unit}）`, `Value, ${unit}`) : t("数值", "Value"),
            numeric: true,
            cell: (place) => {
              const one = judgedIn(place, indicator);
              return one?.value == null ? "–" : `${number(one.value)} (${one.value_year})`;
            },
            order: (place) => judgedIn(place, indicator)?.value,
          },
          {
            id: "target",
            title: t("目标", "Target"),
            numeric: true,
            cell: (place) => {
              const target = judgedIn(place, indicator)?.target;
              return target
                ? `${number(target.value)} (${target.year ?? t("常年", "always")})`
                : "–";
            },
          },
          {
            id: "way",
            title: t("完成程度", "Reached"),
            numeric: true,
            cell: (place) => {
              const percent = judgedIn(place, indicator)?.progress_percent ?? null;
              return percent === null ? "–" : `${number(percent, 3)} %`;
            },
            order: (place) => judgedIn(place, indicator)?.progress_percent,
          },
          {
            id: "standing",
            title: t("进展", "Standing"),
            cell: (place) => {
              const [zh, en, tone] = STANDINGS[judgedIn(place, indicator)?.status ?? "no_data"];
              return <Badge tone={tone}>{t(zh, en)}</Badge>;
            },
          },
        ]}
      />
    </>
  );
}

/** Which regions the map speaks of, where that is not all of those below. */
function Reach({ places, shown }: { places: Places; shown: readonly Place[] }) {
  return (
    <>
      {shown[0] === places.own && places.below.length > 0 && (
        <p class="hint">
          {t(
            "下级区域都没有数据，图上是整个区域的。",
            "No region below has data; the map shows that of the whole region.",
          )}
        </p>
      )}
      {places.undrawn > 0 && (
        <p class="hint">
          {t(
            `另有 ${places.undrawn} 个下级区域尚无边界，未列出。`,
            places.undrawn === 1
              ? "One more region below has no shape yet and is not listed."
              : `${places.undrawn} more regions below have no shape yet and are not listed.`,
          )}
        </p>
      )}
    </>
  );
}

function Key({
  shade,
  shown,
  indicator,
  unit,
}: {
  shade: Shade;
  shown: readonly Place[];
  indicator: string;
  unit: string;
}) {
  const seen = shown.flatMap((place) => judgedIn(place, indicator) ?? []);
  const title = {
    value: unit ? t(`数值（${unit}）`, `Value, ${unit}`) : t("数值", "Value"),
    way: t("目标完成程度（从基期到目标）", "Of the way from base to target"),
    standing: t("进展", "Standing"),
  }[shade];
  const none = shade === "standing" ? standingName("no_data") : t("无数据", "No data");
  const rows = [...classesFor(shade, seen), { color: NO_DATA_GREY, label: none }];
  return (
    <fieldset class="legend" aria-label={t("图例", "Legend")}>
      <strong>{title}</strong>
      {rows.map(({ color, label }) => (
        <span class="row" key={color}>
          <span class="swatch" style={{ background: color }} />
          {label}
        </span>
      ))}
    </fieldset>
  );
}
