/** One map: every layer of the region, what is where, two days or layers beside each other. */

import { useComputed, useSignal } from "@preact/signals";
import type { FeatureCollection, Position } from "geojson";
import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useAsked } from "../../kit/asked";
import { area, fixed, number, today } from "../../kit/format";
import { keptSignal } from "../../kit/kept";
import type { MapPane } from "../../kit/map/engine";
import { areaOf, gaussKrueger, lengthOf, sexagesimal } from "../../kit/map/geodesy";
import {
  classesOf,
  describeLayer,
  keyOf,
  type Layer,
  type LegendEntry,
  listLayers,
  looksOf,
  type Shown,
} from "../../kit/map/layers";
import { ClassChoice, Legend } from "../../kit/map/legend";
import { boundsOfRegion, type Clicked, MapView } from "../../kit/map/map_view";
import { region, regionName } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { Badge, Button, Empty, Found, Panel, SearchBox, Select, Tabs } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { Compared, type Comparison } from "./compared";
import { Identified } from "./identify";
import { Search } from "./search";
import { bySubject, narrowed } from "./subjects";
import "./map.css";

/** What is shown, the topmost first. */
export const shown = keptSignal<Shown[]>("map.layers", [{ name: "zones" }]);

export default function OneMap() {
  const { query, route } = useLocation();
  const tabs = [
    { id: "layers", label: t("图层", "Layers") },
    { id: "here", label: t("查询", "What is here") },
    { id: "tools", label: t("工具", "Tools") },
  ];
  const tab = tabs.find(({ id }) => id === query.tab)?.id ?? "layers";
  const go = (id: string) => route(screenPath("map", { layer: query.layer, tab: id }));
  const day = useSignal("");
  const at = useSignal<Clicked | null>(null);
  const pane = useSignal<MapPane | null>(null);
  const measured = useSignal<Position[] | null>(null);
  const comparison = useSignal<Comparison>("none");
  const other = useSignal("");
  useMemo(() => {
    const asked = query.layer;
    if (asked && !shown.peek().some(({ name }) => name === asked)) {
      shown.value = [{ name: asked }, ...shown.peek()];
    }
  }, [query.layer]);
  const click = (place: Clicked) => {
    if (measured.value) measured.value = [...measured.value, [place.lon, place.lat]];
    else {
      at.value = place;
      if (tab !== "here") go("here");
    }
  };
  const drawn = useComputed(() => overlayOf(at.value, measured.value));
  const rasters = useRasters();
  const dated = datedOf(shown.value, day.value, rasters).reverse();
  const right = other.value ? rightOf(other.value, shown.value, rasters) : null;
  const hasDays = topmostDated(shown.value, rasters) !== undefined;
  return (
    <div class="beside">
      <div class="card">
        <h1>{t("一张图", "One map")}</h1>
        <Printed
          drawn={comparison.value === "none" || !right ? shown.value : [...shown.value, right]}
          day={day.value}
        />
        <div class="off-paper stack">
          <Search
            onFound={(bounds) => pane.value?.fit(bounds)}
            onPoint={(place) => {
              pane.value?.fit([place.lon, place.lat, place.lon, place.lat]);
              click(place);
            }}
          />
          <Tabs label={t("一张图", "One map")} chosen={tab} onChoose={go} tabs={tabs}>
            {tab === "layers" && <Layers />}
            {tab === "here" && <Identified at={at.value} day={day.value} />}
            {tab === "tools" && (
              <>
                <DayChoice
                  day={day.value}
                  undated={shown.value.some(({ name }) => rasters?.get(name))}
                  onDay={(chosen) => {
                    day.value = chosen;
                  }}
                />
                <Comparing
                  comparison={comparison.value}
                  other={other.value}
                  hasDays={hasDays}
                  onChoose={(how, which) => {
                    comparison.value = how;
                    other.value = which;
                  }}
                />
                <Measuring
                  line={measured.value}
                  onLine={(line) => {
                    measured.value = line;
                  }}
                />
                <Button onClick={() => window.print()}>{t("打印", "Print")}</Button>
              </>
            )}
          </Tabs>
        </div>
      </div>
      {comparison.value === "none" || !right ? (
        <MapView
          label={t("一张图", "One map")}
          layers={dated}
          features={drawn.value}
          onClick={click}
          onPane={(made) => {
            pane.value = made;
          }}
        />
      ) : (
        <Compared
          how={comparison.value}
          left={dated}
          right={[right]}
          features={drawn.value}
          onClick={click}
          onPane={(made) => {
            pane.value = made;
          }}
        />
      )}
    </div>
  );
}

/** Which layers that are shown are rasters, by name; null while none has been described. */
export type Rasters = ReadonlyMap<string, boolean> | null;

function useRasters(): Rasters {
  const names = shown.value.map(({ name }) => name);
  const { asked } = useAsked(async () => {
    const told = await Promise.allSettled(shown.peek().map((one) => describeLayer(one)));
    return new Map(
      // What cannot be had is asked for as what it most often is, and the map says why it fails.
      names.map((name, n) => {
        const one = told[n];
        return [name, one?.status === "fulfilled" && one.value.kind === "raster"];
      }),
    );
  }, [names.join()]);
  return asked.value.data ?? null;
}

/** Layers on a day: those of objects alone have other days. A raster is of its own day, and the
 * service refuses to be asked for another; what may be one is drawn once that is known. */
export function datedOf(layers: readonly Shown[], day: string, rasters: Rasters): Shown[] {
  if (!day) return [...layers];
  return layers.flatMap((one) => {
    const raster = rasters?.get(one.name);
    if (raster === undefined) return [];
    return [raster ? one : { ...one, query: { as_of: day } }];
  });
}

/** What the other map shows: the top layer that has other days, on the day after `@`, or a layer;
 * it looks as on this one. Null where all that is shown are rasters, which have no other day. */
export function rightOf(
  other: string,
  here: readonly Shown[],
  rasters: Rasters = null,
): Shown | null {
  const day = other.startsWith("@") ? other.slice(1) : null;
  const name = day === null ? other : topmostDated(here, rasters);
  if (name === undefined) return null;
  const same = here.find((one) => one.name === name);
  const asOf = day === null ? {} : { query: { as_of: day } };
  return { name, ...asOf, ...(same && looksOf(same)) };
}

const topmostDated = (here: readonly Shown[], rasters: Rasters): string | undefined =>
  here.find(({ name }) => !rasters?.get(name))?.name;

/** On paper alone: of where and when the map is, and what its colours mean. */
function Printed({ drawn, day }: { drawn: readonly Shown[]; day: string }) {
  const { asked } = useAsked(
    // A layer that can no longer be had is not drawn either.
    async () =>
      (
        await Promise.allSettled(drawn.map(async (one) => [one, await describeLayer(one)] as const))
      ).flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    [JSON.stringify(drawn)],
  );
  return (
    <div class="on-paper">
      <p>
        {regionName(region.value)} · {t(`${day || today()} 的状态`, `as of ${day || today()}`)} ·{" "}
        {t(`打印于 ${today()}`, `printed on ${today()}`)}
      </p>
      <ul class="layers-drawn">
        {asked.value.data?.map(([one, layer]) => (
          <PrintedLayer key={keyOf(one)} one={one} layer={layer} />
        ))}
      </ul>
    </div>
  );
}

/** A layer's legend on paper: the classes that are drawn, and the names of those that are not. */
function PrintedLayer({ one: { hidden = [] }, layer }: { one: Shown; layer: Layer }) {
  const isHidden = ({ code }: LegendEntry) => hidden.includes(code ?? "");
  const { legend } = layer;
  const names = classesOf(layer)
    .filter(isHidden)
    .map((one) => called(one, "label"));
  const entries = legend.entries.filter((one) => !isHidden(one));
  return (
    <li>
      <b>{called(layer, "title")}</b>
      {names.length > 0 &&
        t(`（已筛选，未显示：${names.join("、")}）`, ` (filtered; not shown: ${names.join(", ")})`)}
      <Legend legend={{ ...legend, entries }} raster={layer.kind === "raster"} />
    </li>
  );
}

/** The layers of the region by subject, and those that are shown in their order. */
function Layers() {
  const { asked, again } = useAsked(
    async () => bySubject(await listLayers(), await boundsOfRegion(region.value)),
    [region.value || null],
  );
  const set = (layers: Shown[]) => {
    shown.value = layers;
  };
  const wanted = useSignal("");
  return (
    <>
      <Panel title={t("已显示", "Shown")}>
        <ol class="plain shown">
          {shown.value.map((one, n) => (
            <ShownLayer
              key={one.name}
              one={one}
              onChange={(changed) => set(shown.value.with(n, changed))}
              onUp={n > 0 ? () => set(swapped(shown.value, n - 1)) : null}
              onDown={n < shown.value.length - 1 ? () => set(swapped(shown.value, n)) : null}
              onHide={() => set(shown.value.toSpliced(n, 1))}
            />
          ))}
        </ol>
      </Panel>
      <SearchBox
        text={wanted}
        maxLength={100}
        placeholder={t("筛选图层：名称或主题", "Filter layers: name or subject")}
        aria-label={t("筛选图层", "Filter layers")}
      />
      <Found asked={asked} again={again}>
        {(all) => {
          const subjects = narrowed(all, wanted.value);
          if (!subjects.length && all.length)
            return (
              <Empty>
                {t(
                  `没有名称或主题含“${wanted.value.trim()}”的图层。`,
                  `No layer has “${wanted.value.trim()}” in its name or subject.`,
                )}
              </Empty>
            );
          return subjects.map(([subject, layers]) => (
            <details
              key={subject.id}
              class="group"
              open={wanted.value.trim() !== "" || subject.id === "planning"}
            >
              <summary>
                {t(subject.zh, subject.en)} <span class="count">{layers.length}</span>
              </summary>
              {layers.map((layer) => (
                <label key={layer.id} class="check">
                  <input
                    type="checkbox"
                    checked={shown.value.some(({ name }) => name === layer.id)}
                    onChange={({ currentTarget }) =>
                      set(
                        currentTarget.checked
                          ? [{ name: layer.id }, ...shown.value]
                          : shown.value.filter(({ name }) => name !== layer.id),
                      )
                    }
                  />
                  {called(layer, "title")}
                </label>
              ))}
            </details>
          ));
        }}
      </Found>
    </>
  );
}

const swapped = (layers: readonly Shown[], at: number) =>
  layers.toSpliced(at, 2, layers[at + 1] as Shown, layers[at] as Shown);

function ShownLayer({
  one,
  onChange,
  onUp,
  onDown,
  onHide,
}: {
  one: Shown;
  onChange: (one: Shown) => void;
  onUp: (() => void) | null;
  onDown: (() => void) | null;
  onHide: () => void;
}) {
  const { asked } = useAsked(() => describeLayer(one), [one.name]);
  const { data, fault } = asked.value;
  const title = data ? called(data, "title") : "…";
  const opacity = one.opacity ?? 1;
  const classes = data ? classesOf(data) : [];
  const hidden = one.hidden ?? [];
  const drawn = classes.filter(({ code }) => !hidden.includes(code ?? "")).length;
  return (
    <li>
      <div class="inline">
        <strong>{title}</strong>
        <Button
          kind="quiet"
          disabled={!onUp}
          onClick={onUp ?? undefined}
          aria-label={t(`${title}：上移`, `${title}: up`)}
        >
          ↑
        </Button>
        <Button
          kind="quiet"
          disabled={!onDown}
          onClick={onDown ?? undefined}
          aria-label={t(`${title}：下移`, `${title}: down`)}
        >
          ↓
        </Button>
        <Button kind="quiet" onClick={onHide} aria-label={t(`${title}：隐藏`, `${title}: hide`)}>
          ✕
        </Button>
      </div>
      {fault && <small class="fault">{fault.message}</small>}
      <label class="inline">
        <small>{t("不透明度", "Opacity")}</small>
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={opacity}
          aria-label={t(`${title}：不透明度`, `${title}: opacity`)}
          aria-valuetext={`${Math.round(opacity * 100)}%`}
          onInput={({ currentTarget }) =>
            onChange({ ...one, opacity: Number(currentTarget.value) })
          }
        />
      </label>
      {data && (
        <details>
          <summary>
            {t("图例", "Legend")}
            {drawn < classes.length && (
              <>
                {" "}
                <Badge tone="warn">
                  {t(
                    `已筛选：${drawn}/${classes.length} 类`,
                    `filtered: ${drawn} of ${classes.length}`,
                  )}
                </Badge>
              </>
            )}
          </summary>
          {classes.length ? (
            <ClassChoice
              classes={classes}
              hidden={hidden}
              noData={Boolean(data.legend.no_data)}
              label={t(`${title}：显示的类别`, `${title}: classes shown`)}
              onHide={(codes) => {
                const { hidden: _, ...rest } = one;
                onChange(codes.length ? { ...rest, hidden: codes } : rest);
              }}
            />
          ) : (
            <Legend legend={data.legend} raster={data.kind === "raster"} />
          )}
        </details>
      )}
    </li>
  );
}

const YEARS_BACK = 10;

/** The state of a day: a slider over the months of ten years, and the day itself. */
function DayChoice({
  day,
  undated,
  onDay,
}: {
  day: string;
  /** Whether something is shown that the day does not change. */
  undated: boolean;
  onDay: (day: string) => void;
}) {
  const now = today();
  const months = YEARS_BACK * 12;
  const monthsAgo = day
    ? (Number(now.slice(0, 4)) - Number(day.slice(0, 4))) * 12 +
      Number(now.slice(5, 7)) -
      Number(day.slice(5, 7))
    : 0;
  const slide = (back: number) => {
    if (back === 0) return onDay("");
    const first = new Date(
      Date.UTC(Number(now.slice(0, 4)), Number(now.slice(5, 7)) - 1 - back, 1),
    );
    onDay(first.toISOString().slice(0, 10));
  };
  return (
    <Panel title={t("哪一天的状态", "The state of a day")}>
      <input
        type="range"
        min={-months}
        max={0}
        value={-monthsAgo}
        aria-label={t("月份", "Month")}
        aria-valuetext={day || t("今天", "today")}
        onInput={({ currentTarget }) => slide(-Number(currentTarget.value))}
      />
      <div class="inline">
        <input
          type="date"
          max={now}
          value={day || now}
          aria-label={t("日期", "Day")}
          onChange={({ currentTarget: { value } }) => onDay(value === now ? "" : value)}
        />
        <Button disabled={!day} onClick={() => onDay("")}>
          {t("今天", "Today")}
        </Button>
      </div>
      {undated && day && (
        <p class="hint" role="status">
          {t(
            "栅格图层只有其自身日期的状态，不随所选日期变化。",
            "Raster layers are of their own day, whichever day is chosen.",
          )}
        </p>
      )}
    </Panel>
  );
}

/** The same day a year before; the 28th for the 29th of February. */
export function yearBefore(day: string): string {
  const monthDay = day.slice(4);
  return `${Number(day.slice(0, 4)) - 1}${monthDay === "-02-29" ? "-02-28" : monthDay}`;
}

function Comparing({
  comparison,
  other,
  hasDays,
  onChoose,
}: {
  comparison: Comparison;
  other: string;
  /** Whether something is shown that has other days. */
  hasDays: boolean;
  onChoose: (how: Comparison, other: string) => void;
}) {
  const { asked } = useAsked(
    async () => bySubject(await listLayers(), await boundsOfRegion(region.value)),
    [region.value || null],
  );
  const layers = asked.value.data?.flatMap(([, some]) => some) ?? [];
  const yearAgo = `@${yearBefore(today())}`;
  return (
    <Panel title={t("比较", "Compare")}>
      <Select
        aria-label={t("方式", "How")}
        value={comparison}
        onChoose={(how) => onChoose(how as Comparison, other)}
        choices={[
          { value: "none", label: t("不比较", "not at all") },
          { value: "swipe", label: t("卷帘", "swipe") },
          { value: "beside", label: t("并排", "side by side") },
        ]}
      />
      <Select
        aria-label={t("与什么比较", "With what")}
        value={other}
        onChoose={(which) => onChoose(comparison === "none" ? "swipe" : comparison, which)}
        empty={t("（选择）", "(choose)")}
        choices={[
          ...(hasDays
            ? [
                {
                  value: yearAgo,
                  label: t("一年前的最上矢量图层", "the top vector layer a year ago"),
                },
              ]
            : []),
          ...layers.map((layer) => ({ value: layer.id, label: called(layer, "title") })),
        ]}
      />
    </Panel>
  );
}

function Measuring({
  line,
  onLine,
}: {
  line: Position[] | null;
  onLine: (line: Position[] | null) => void;
}) {
  const metres = line ? lengthOf(line) : 0;
  const inside = line && line.length > 2 ? area(areaOf(line)) : null;
  return (
    <Panel
      title={t("量测", "Measure")}
      actions={
        <Button aria-pressed={line !== null} onClick={() => onLine(line ? null : [])}>
          {line ? t("结束", "Stop") : t("开始", "Start")}
        </Button>
      }
    >
      {line && (
        <>
          <p class="hint">
            {t(
              "在地图上依次点击各点；回车取地图中心。",
              "Click the points in turn; Enter takes the map's centre.",
            )}
          </p>
          <dl class="facts">
            <dt>{t("长度", "Length")}</dt>
            <dd>{metres < 1000 ? `${fixed(metres, 1)} m` : `${fixed(metres / 1000, 3)} km`}</dd>
            {inside && (
              <>
                <dt>{t("闭合面积", "Area, closed")}</dt>
                <dd>
                  {inside.km2}
                  <br />
                  {inside.ha}
                  <br />
                  {inside.mu}
                </dd>
              </>
            )}
            {line.map(([lon = 0, lat = 0], n) => {
              const plane = gaussKrueger(lon, lat);
              return (
                <div key={n} class="corner">
                  <dt>{n + 1}</dt>
                  <dd>
                    {sexagesimal(lon)} {sexagesimal(lat)}
                    <br />
                    <small>
                      X {fixed(plane.north, 2)} · Y {fixed(plane.east, 2)} (
                      {t(`中央经线 ${plane.meridian}°`, `central meridian ${plane.meridian}°`)})
                    </small>
                  </dd>
                </div>
              );
            })}
          </dl>
          <Button disabled={!line.length} onClick={() => onLine(line.slice(0, -1))}>
            {t("撤销一点", "Undo a point")}
          </Button>
          <small>
            {t(
              `${number(line.length)} 个点`,
              `${number(line.length)} ${line.length === 1 ? "point" : "points"}`,
            )}
          </small>
        </>
      )}
    </Panel>
  );
}

/** What the screen draws: the place asked about, and the line being measured. */
export function overlayOf(at: Clicked | null, line: Position[] | null): FeatureCollection {
  const point = (position: Position, color: string) => ({
    type: "Feature" as const,
    geometry: { type: "Point" as const, coordinates: position },
    properties: { color },
  });
  const measured = line ?? [];
  const shape =
    measured.length > 2
      ? { type: "Polygon" as const, coordinates: [[...measured, measured[0] as Position]] }
      : { type: "LineString" as const, coordinates: measured };
  return {
    type: "FeatureCollection",
    features: [
      ...(at ? [point([at.lon, at.lat], "#c2185b")] : []),
      ...(measured.length > 1
        ? [{ type: "Feature" as const, geometry: shape, properties: { color: "#5b2a86" } }]
        : []),
      ...measured.map((position) => point(position, "#5b2a86")),
    ],
  };
}
