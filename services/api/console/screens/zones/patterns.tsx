/** Patterns of the region: their components by kind, in their order, and on the map. */

import { type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { useEffect } from "preact/hooks";
import { api, ask, read, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { address, allFeatures, type Feature, type Values } from "../../kit/features";
import { km2, number } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import type { MapPane } from "../../kit/map/engine";
import { region } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { Badge, Empty, Found, Panel, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";

type Component = Schema<"ComponentNode">;

interface Pattern {
  code: string;
  name_zh: string;
  name_en: string;
  status: string;
}

/** Colours that stay apart for eyes that see few. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#444444"];

const TYPES: Record<string, [zh: string, en: string]> = {
  mountain_screen: ["山体屏障", "mountain screens"],
  hill: ["山丘", "hills"],
  core: ["核心", "cores"],
  river_axis: ["江河轴", "river axes"],
  river_belt: ["河流带", "river belts"],
  coastal_belt: ["滨海带", "coastal belts"],
  bay: ["海湾", "bays"],
  river_set: ["水系", "rivers"],
  minor_river_corridor: ["小河廊道", "minor river corridors"],
  corridor: ["廊道", "corridors"],
  corridor_set: ["廊道组", "sets of corridors"],
  river_island: ["江心岛", "river islands"],
  reservoir: ["水库", "reservoirs"],
  protected_area: ["保护地", "protected areas"],
  point_area: ["节点", "points"],
  trail_set: ["绿道组", "sets of trails"],
  trail_ring: ["环形绿道", "ring trails"],
  trail_belt: ["绿道带", "trail belts"],
  mountain_forest_field: ["山林田", "mountain, forest and field"],
  city: ["城", "city"],
  urban_cluster_set: ["城市组团", "urban clusters"],
  urban_core: ["城市核心", "urban core"],
  bay_urban_ring: ["环湾城市带", "urban ring around a bay"],
};

export function typeOf(type: string): string {
  const [zh, en] = TYPES[type] ?? [t("其他", "other"), type.replaceAll("_", " ")];
  return t(zh, en);
}

export function Patterns({
  own,
  pane,
}: {
  own: Signal<FeatureCollection | null>;
  pane: MapPane | null;
}) {
  const wanted = useSignal("");
  const { asked, again } = useAsked(
    (signal) =>
      read<{ patterns: Pattern[] }>(
        address("/patterns", { region: region.value, limit: 1000 }),
        signal,
      ),
    [region.value || null],
  );
  useEffect(() => {
    own.value = { type: "FeatureCollection", features: [] };
    return () => {
      own.value = null;
    };
  }, []);
  return (
    <Found asked={asked} again={again}>
      {({ patterns }) => {
        const pattern = patterns.find(({ code }) => code === wanted.value) ?? patterns[0];
        if (!pattern) return <Empty>{t("该区域没有格局。", "The region has no pattern.")}</Empty>;
        return (
          <>
            <label class="field">
              <span class="label">{t("格局", "Pattern")}</span>
              <Select
                value={pattern.code}
                onChoose={(code) => {
                  wanted.value = code;
                }}
                choices={patterns.map((one) => ({ value: one.code, label: called(one) }))}
              />
            </label>
            <Components key={pattern.code} pattern={pattern.code} own={own} pane={pane} />
          </>
        );
      }}
    </Found>
  );
}

/** All components, each with those below it. */
export const flat = (nodes: readonly Component[]): Component[] =>
  nodes.flatMap((node) => [node, ...flat(node.children)]);

function Components({
  pattern,
  own,
  pane,
}: {
  pattern: string;
  own: Signal<FeatureCollection | null>;
  pane: MapPane | null;
}) {
  const chosen = useSignal("");
  const { asked, again } = useAsked(
    async (signal) => {
      const [{ tree }, drawn] = await Promise.all([
        ask(api.GET("/patterns/{code}/tree", { params: { path: { code: pattern } } })),
        // Components are asked for by region: those of other patterns are left out here.
        allFeatures<Values>("pattern_components", { region: region.value }, signal),
      ]);
      return { nodes: tree.children, shapes: new Map(drawn.map((one) => [one.id, one])) };
    },
    [pattern],
  );
  const data = asked.value.data;
  useEffect(() => {
    if (data) own.value = mapOf(data.nodes, data.shapes, chosen.value);
  }, [data, chosen.value]);
  return (
    <Found asked={asked} again={again}>
      {({ nodes, shapes }) => {
        const groups = [...Map.groupBy(flat(nodes), ({ type }) => type)];
        return groups.map(([type, some], n) => (
          <Panel
            key={type}
            title={
              <>
                <span class="swatch" style={{ background: COLORS[n % COLORS.length] }} />{" "}
                {typeOf(type)}
                <span class="count">{some.length}</span>
              </>
            }
          >
            <ul class="plain">
              {some.map((node) => (
                <ComponentLine
                  key={node.code}
                  node={node}
                  onChoose={() => {
                    chosen.value = node.code;
                    const bounds = boundsOf(shapes.get(node.code)?.geometry);
                    if (bounds) pane?.fit(bounds);
                  }}
                />
              ))}
            </ul>
          </Panel>
        ));
      }}
    </Found>
  );
}

function ComponentLine({ node, onChoose }: { node: Component; onChoose: () => void }) {
  const { count_stated: stated, count_listed: listed } = node;
  return (
    <li>
      {node.geometry_known ? (
        <button type="button" class="link" onClick={onChoose}>
          {called(node)}
        </button>
      ) : (
        <>
          {called(node)}{" "}
          <a href={screenPath("digitise", { collection: "pattern_components", object: node.code })}>
            <Badge tone="warn">{t("未绘制", "not drawn")}</Badge>
          </a>
        </>
      )}{" "}
      <small>
        {called(node, "label")}
        {node.area_km2 !== null && ` ${km2(Number(node.area_km2))}`}
        {node.length_km !== null && ` ${number(Number(node.length_km))} km`}
        {stated !== null &&
          t(` 原文 ${stated} 处，列出 ${listed ?? 0}`, ` ${listed ?? 0} of ${stated} listed`)}
      </small>
    </li>
  );
}

/** The drawn components in the colours of their kinds. */
export function mapOf(
  nodes: readonly Component[],
  shapes: ReadonlyMap<string, Feature>,
  chosen: string,
): FeatureCollection {
  const all = flat(nodes);
  const types = [...new Set(all.map(({ type }) => type))];
  return {
    type: "FeatureCollection",
    features: all.flatMap((node) => {
      const geometry = shapes.get(node.code)?.geometry;
      if (!geometry) return [];
      const color = COLORS[types.indexOf(node.type) % COLORS.length];
      const picked = node.code === chosen;
      return [
        {
          type: "Feature" as const,
          geometry,
          properties: {
            color,
            label: called(node),
            opacity: picked ? 0.6 : 0.3,
            width: picked ? 5 : 2.5,
          },
        },
      ];
    }),
  };
}
