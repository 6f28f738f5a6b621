/** Zones and patterns: versions of a zoning on chart and map, their editing and approval. */

import { batch, useComputed, useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { Fragment } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { Fault } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { allFeatures, readFeature } from "../../kit/features";
import { fixed } from "../../kit/format";
import type { MapPane } from "../../kit/map/engine";
import { describeLayer, type Layer } from "../../kit/map/layers";
import { Legend } from "../../kit/map/legend";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { chooseRegion, region } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { attempt, Badge, Empty, Found, Panel, Select, Tabs, Waiting } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { AreaChart } from "./chart";
import { Differences } from "./differences";
import { Editing } from "./editing";
import { Lifecycle } from "./lifecycle";
import { Patterns } from "./patterns";
import {
  byClass,
  type ClassSum,
  drawnZones,
  GREY,
  keyOfScheme,
  mayEdit,
  originOf,
  readZones,
  type Scheme,
  type SchemeMembers,
  stateOf,
  versionName,
  versionsOf,
  type Zone,
  zonesOf,
} from "./schemes";
import "./zones.css";

const NOTHING: ReadonlySet<string> = new Set();
const NO_ZONES: readonly Zone[] = [];

export default function Zones() {
  const { query, route } = useLocation();
  const wanted = query.scheme ?? "";
  const go = (to: Record<string, string>, instead = false) =>
    route(screenPath("zones", { scheme: wanted, tab: query.tab, ...to }), instead);
  const chosen = useSignal<ReadonlySet<string>>(NOTHING);
  const pane = useSignal<MapPane | null>(null);
  /** What a tab draws in place of the zones, or on top of them. */
  const own = useSignal<FeatureCollection | null>(null);
  const doubt = useSignal("");
  /** While one draws, a click is a corner. */
  const drawing = useSignal(false);
  /** Whether the scheme is one that a link names, until it is found. */
  const linked = useRef(true);
  const schemes = useAsked(
    async (signal) => {
      const from = region.value;
      const here = await versionsOf(from, signal);
      const code = wanted.split("@")[0];
      const elsewhere = code && !here.some(({ properties }) => properties.code === code);
      if (elsewhere && linked.current)
        // It may be of another region, which is worked on then.
        await attempt(async () => {
          const { data } = await readFeature<SchemeMembers>("zone_schemes", code);
          if (!signal.aborted) chooseRegion(data.properties.region);
        });
      else if (elsewhere) go({ scheme: "" }, true);
      signal.throwIfAborted();
      linked.current = false;
      return region.value === from ? here : versionsOf(region.value, signal);
    },
    [region.value || null, region.value],
  );
  const all = schemes.asked.value.data ?? [];
  const scheme =
    all.find((one) => keyOfScheme(one) === wanted) ??
    // The newest version, where a link names the scheme alone or one that is no more.
    all.find(({ properties }) => properties.code === wanted.split("@")[0]) ??
    all.find(({ properties }) => properties.status === "published") ??
    all[0] ??
    null;
  const key = scheme && keyOfScheme(scheme);
  const edits = scheme !== null && mayEdit(scheme);
  const zones = useAsked(
    async (signal) => ({
      of: key,
      ...(edits
        ? await readZones(scheme as Scheme, signal)
        : { tag: null, zones: await zonesOf(scheme as Scheme, signal) }),
    }),
    [key, edits],
  );
  const read = zones.asked.value.data;
  const list = key && read?.of === key ? read.zones : NO_ZONES;
  const sums = useMemo(() => byClass(list), [list]);
  const features = useMemo(() => drawnZones(list, chosen.value), [list, chosen.value]);
  const shown = useComputed(() => own.value);
  const pick = ({ lon, lat }: Clicked) => {
    const map = pane.value?.map;
    if (!map || drawing.value || tab === "patterns") return;
    const [found] = map.queryRenderedFeatures(map.project([lon, lat]), {
      layers: ["overlay-fill"],
    });
    const code = found?.properties.code;
    chosen.value = code && !chosen.value.has(code) ? new Set([code]) : NOTHING;
  };
  const again = () => {
    schemes.again();
    zones.again();
  };
  const tabs = [
    { id: "areas", label: t("面积与要求", "Areas") },
    ...(edits ? [{ id: "edit", label: t("编辑", "Edit") }] : []),
    { id: "compare", label: t("版本比较", "Compare") },
    { id: "approve", label: t("报批", "Approval") },
    { id: "patterns", label: t("格局", "Patterns") },
  ];
  // A link to the editing leads who may not edit to what there is.
  const tab = tabs.find(({ id }) => id === query.tab)?.id ?? "areas";
  return (
    <div class="beside">
      <div class="card">
        <h1>{t("分区与格局", "Zones and patterns")}</h1>
        <Found asked={schemes.asked} again={schemes.again}>
          {(found) =>
            found.length ? (
              <label class="field">
                <span class="label">{t("分区方案与版本", "Scheme and version")}</span>
                <Select
                  value={key ?? ""}
                  onChoose={(to) =>
                    batch(() => {
                      go({ scheme: to });
                      chosen.value = NOTHING;
                      doubt.value = "";
                    })
                  }
                  choices={found.map((one) => ({ value: keyOfScheme(one), label: titled(one) }))}
                />
              </label>
            ) : (
              <Empty>{t("该区域还没有分区方案。", "The region has no zoning yet.")}</Empty>
            )
          }
        </Found>
        <Tabs
          label={t("分区与格局", "Zones and patterns")}
          chosen={tab}
          onChoose={(id) => go({ tab: id })}
          tabs={tabs}
        >
          {scheme && tab === "areas" && (
            <Found asked={zones.asked} again={zones.again}>
              {() => (
                <>
                  <About scheme={scheme} />
                  <Verdict zones={list} />
                  <AreaChart
                    sums={sums}
                    chosen={chosen.value}
                    onChoose={(code) => {
                      chosen.value = code ? new Set([code]) : NOTHING;
                    }}
                  />
                  <Requirements sums={sums} zones={list} chosen={chosen.value} />
                  <Doubt
                    scheme={scheme}
                    zones={list}
                    layer={doubt.value}
                    onLayer={(layer) => {
                      doubt.value = layer;
                    }}
                  />
                </>
              )}
            </Found>
          )}
          {scheme && tab === "edit" && (
            <Found asked={zones.asked} again={zones.again}>
              {({ of, tag }) =>
                // A form is begun on zones that are read.
                of === key && tag ? (
                  <Editing
                    key={key}
                    scheme={scheme}
                    zones={list}
                    tag={tag}
                    chosen={chosen}
                    pane={pane.value}
                    drawing={drawing}
                    onChanged={(version) => {
                      go({ scheme: `${scheme.properties.code}@${version}` }, true);
                      again();
                    }}
                  />
                ) : (
                  <Waiting />
                )
              }
            </Found>
          )}
          {scheme && tab === "compare" && (
            <Differences key={key} scheme={scheme} schemes={all} own={own} pane={pane.value} />
          )}
          {scheme && tab === "approve" && (
            <Lifecycle key={key} scheme={scheme} pane={pane.value} onChanged={again} />
          )}
          {tab === "patterns" && <Patterns own={own} pane={pane.value} />}
        </Tabs>
      </div>
      <MapView
        label={t("分区图", "Map of the zones")}
        layers={doubt.value && tab === "areas" ? [{ name: doubt.value, opacity: 0.9 }] : []}
        features={shown.value ?? (doubt.value && tab === "areas" ? outlines(features) : features)}
        onClick={pick}
        onPane={(made) => {
          pane.value = made;
        }}
      />
    </div>
  );
}

/** The zones as outlines alone, so that what lies below is seen. */
export const outlines = (features: FeatureCollection): FeatureCollection => ({
  ...features,
  features: features.features.map((one) => ({
    ...one,
    properties: { ...one.properties, opacity: 0, width: 1.2 },
  })),
});

export const titled = (scheme: Scheme): string =>
  `${versionName(scheme)} · ${stateOf(scheme.properties.status).word}`;

function About({ scheme: { properties } }: { scheme: Scheme }) {
  const { word, tone } = stateOf(properties.status);
  return (
    <p class="inline">
      <Badge tone={tone}>{word}</Badge>
      <small>
        {originOf(properties.origin)}
        {properties.valid_from &&
          t(`，自 ${properties.valid_from} 起`, `, from ${properties.valid_from}`)}
      </small>
    </p>
  );
}

/** What the computation says of its zones as a whole, and that they were changed by hand since. */
function Verdict({ zones }: { zones: readonly Zone[] }) {
  const flags = zones[0]?.properties.flags ?? [];
  return flags
    .filter(({ code }) => code === "robustness" || code === "adjusted_by_hand")
    .map((flag) => (
      <p key={flag.code} class="verdict">
        {t(flag.detail_zh, flag.detail)}
      </p>
    ));
}

function Requirements({
  sums,
  zones,
  chosen,
}: {
  sums: readonly ClassSum[];
  zones: readonly Zone[];
  chosen: ReadonlySet<string>;
}) {
  const picked = zones.filter(({ properties }) => chosen.has(properties.code));
  const classes = sums.filter(
    ({ code, zones: own }) =>
      !chosen.size || chosen.has(code) || own.some(({ properties }) => chosen.has(properties.code)),
  );
  return (
    <Panel title={t("管控要求", "Requirements")}>
      <ul class="plain zone-list" aria-live="polite">
        {classes.map((one) => (
          <li key={one.code}>
            <strong>
              <span class="swatch" style={{ background: one.color }} /> {called(one)}
            </strong>
            <p>{called(one, "requirement") || t("原文没有要求。", "No requirement is stated.")}</p>
            {one.zones.length > 1 && (
              <small>{t(`${one.zones.length} 个分区`, `${one.zones.length} zones`)}</small>
            )}
          </li>
        ))}
      </ul>
      {picked.map((zone) => (
        <ZoneFacts key={zone.id} zone={zone} />
      ))}
    </Panel>
  );
}

function ZoneFacts({ zone: { properties } }: { zone: Zone }) {
  const texts = (member: string): string[] => {
    const inLanguage = properties[t(`${member}_zh`, `${member}_en`)];
    return Array.isArray(inLanguage) ? inLanguage.map(String) : [];
  };
  const functions = texts("functions");
  const problems = texts("problems");
  const location = called(properties, "location");
  return (
    <dl class="facts">
      <dt>{t("分区", "Zone")}</dt>
      <dd>{called(properties)}</dd>
      {location && <dt>{t("位置", "Location")}</dt>}
      {location && <dd>{location}</dd>}
      {functions.length > 0 && <dt>{t("主导功能", "Functions")}</dt>}
      {functions.length > 0 && <dd>{functions.join(t("、", "; "))}</dd>}
      {problems.length > 0 && <dt>{t("主要问题", "Problems")}</dt>}
      {problems.length > 0 && <dd>{problems.join(t("、", "; "))}</dd>}
    </dl>
  );
}

/** Layers that tell how far a zoning can be trusted: by other choices, and by other parameters. */
const DOUBTS = ["zone_agreement", "zone_consensus", "stability"];

/** How far repeated computations agree: consensus where they do, doubt where they do not. What is
 * listed of computed layers is the newest public of a region, whichever scheme it is of: the layers
 * of the scheme's own job are asked for by name, which finds those of a draft as well. */
function Doubt({
  scheme: { properties },
  zones,
  layer,
  onLayer,
}: {
  scheme: Scheme;
  zones: readonly Zone[];
  layer: string;
  onLayer: (layer: string) => void;
}) {
  const job = properties.job ?? "";
  const { asked, again } = useAsked(
    async (signal) => ({ of: job, found: job ? await doubtsOf(job, signal) : [] }),
    [job],
  );
  return (
    <Panel title={t("共识与存疑", "Consensus and doubt")}>
      <Held zones={zones} />
      <Found asked={asked} again={again}>
        {({ of, found }) =>
          // What was found for another scheme does not stand until the next answer.
          of !== job ? (
            <Waiting />
          ) : found.length ? (
            <>
              {found.map((one) => (
                <Fragment key={one.id}>
                  <label class="check">
                    <input
                      type="checkbox"
                      checked={layer === one.id}
                      onChange={({ currentTarget }) => onLayer(currentTarget.checked ? one.id : "")}
                    />
                    {t("在地图上显示", "Show on the map:")} {called(one, "title")}
                  </label>
                  {layer === one.id && <Legend legend={one.legend} raster />}
                </Fragment>
              ))}
              <small>
                {t(
                  "数值高处各种做法一致；低处分区存疑，宜实地核定。",
                  "Where values are high, other ways of zoning agree; where low, the zone is in doubt and worth a visit.",
                )}
              </small>
            </>
          ) : (
            <p class="hint">
              {job
                ? t("其计算没有检验稳健性。", "Its computation did not test how robust it is.")
                : t(
                    "本版不是计算所得，没有稳健性图层。",
                    "This version was not computed: there is no layer of how robust it is.",
                  )}
            </p>
          )
        }
      </Found>
    </Panel>
  );
}

/** What part of each zone keeps it by other choices, where that is known. */
function Held({ zones }: { zones: readonly Zone[] }) {
  const known = zones.flatMap(({ properties: own }) => {
    const held = own.statistics?.held_percent;
    return typeof held === "number" ? [{ own, held }] : [];
  });
  if (!known.length) return null;
  return (
    <dl class="facts">
      {known.map(({ own, held }) => (
        <Fragment key={own.code}>
          <dt>
            <span class="swatch" style={{ background: own.color ?? GREY }} /> {called(own)}
          </dt>
          <dd>{t(`${fixed(held, 0)}% 稳健`, `${fixed(held, 0)} % keeps its zone`)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** The layers of doubt among those that a job made. */
async function doubtsOf(job: string, signal: AbortSignal): Promise<Layer[]> {
  const made = await allFeatures("datasets", { job, properties: "theme" }, signal);
  const themes = new Set(made.map(({ properties }) => properties.theme));
  const there = DOUBTS.filter((theme) => themes.has(theme));
  const found = await Promise.all(there.map((theme) => layerOf(`${theme}.${job}`)));
  return found.filter((one) => one !== null);
}

/** The layer of a job; null where it is not shown. */
async function layerOf(name: string): Promise<Layer | null> {
  try {
    return await describeLayer({ name });
  } catch (error) {
    if (error instanceof Fault && error.status === 404) return null;
    throw error;
  }
}
