/** What is at a place: objects in force first, with their requirement and where they are kept. */

import { useSignal } from "@preact/signals";
import { read, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { address, type Feature, type Values } from "../../kit/features";
import { km2 } from "../../kit/format";
import { gaussKrueger, sexagesimal } from "../../kit/map/geodesy";
import type { Clicked } from "../../kit/map/map_view";
import { API } from "../../kit/page";
import { undrawnRegion } from "../../kit/place";
import { Badge, Empty, Found, type Tone } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { check, type RuleHit } from "../compliance/verdict";

type Link = Schema<"Link">;

interface AtPoint extends Feature {
  collection: string;
  collection_title: string;
  in_force: boolean;
}

export function Identified({ at, day }: { at: Clicked | null; day: string }) {
  if (!at) {
    return (
      <Empty>
        {t(
          "点击地图上的一处，或用 Tab 到地图后按回车查询中心点。",
          "Click a place on the map, or go to the map by Tab and press Enter for its centre.",
        )}
      </Empty>
    );
  }
  return <At at={at} day={day} />;
}

function At({ at, day }: { at: Clicked; day: string }) {
  const { asked, again } = useAsked(
    (signal) =>
      read<{ features: AtPoint[]; links?: Link[] }>(
        address("/identify", {
          lon: at.lon.toFixed(7),
          lat: at.lat.toFixed(7),
          as_of: day || undefined,
        }),
        signal,
      ),
    [at.lon, at.lat, day],
  );
  const plane = gaussKrueger(at.lon, at.lat);
  return (
    <>
      <dl class="facts">
        <dt>CGCS2000</dt>
        <dd>
          {sexagesimal(at.lon)} {sexagesimal(at.lat)}
        </dd>
        <dt>{t("高斯-克吕格", "Gauss-Krüger")}</dt>
        <dd>
          X {plane.north.toFixed(2)} Y {plane.east.toFixed(2)}
          <br />
          <small>
            {t(
              `3°带第 ${plane.zone} 带，中央经线 ${plane.meridian}°`,
              `3° zone ${plane.zone}, central meridian ${plane.meridian}°`,
            )}
          </small>
        </dd>
      </dl>
      <Found asked={asked} again={again}>
        {({ features, links = [] }) => {
          const sorted = features.toSorted((a, b) => Number(b.in_force) - Number(a.in_force));
          return (
            <>
              {sorted.length ? (
                <ul class="plain found">
                  {sorted.map((one) => (
                    <ObjectHere key={`${one.collection} ${one.id}`} one={one} />
                  ))}
                </ul>
              ) : (
                <Empty>{t("此处没有对象。", "There is nothing here.")}</Empty>
              )}
              <More links={links.filter(({ rel }) => rel === "related")} />
            </>
          );
        }}
      </Found>
      <Rules key={`${at.lon} ${at.lat} ${day}`} at={at} day={day} />
    </>
  );
}

/** Where the rest is: what later objects have replaced, or more than are told of a place. */
function More({ links }: { links: readonly Link[] }) {
  return (
    <ul class="plain more">
      {links.map(({ href, title }) => {
        const page = new URL(href, location.href);
        page.searchParams.set("f", "html");
        return (
          <li key={href}>
            <a href={page.href}>{title}</a>
          </li>
        );
      })}
    </ul>
  );
}

const SEVERITIES: Record<RuleHit["severity"], Tone> = {
  high: "bad",
  medium: "warn",
  low: "info",
  info: "info",
};

/** The rules of the place, asked for once somebody wants them. */
function Rules({ at, day }: { at: Clicked; day: string }) {
  const wanted = useSignal(false);
  return (
    <details
      class="panel"
      onToggle={({ currentTarget }) => {
        wanted.value ||= currentTarget.open;
      }}
    >
      <summary>{t("此处适用的规则", "Rules that hold here")}</summary>
      {wanted.value && <RulesHere at={at} day={day} />}
    </details>
  );
}

function RulesHere({ at, day }: { at: Clicked; day: string }) {
  const { asked, again } = useAsked(
    () =>
      check({
        geometry: { type: "Point", coordinates: [at.lon, at.lat] },
        ...(undrawnRegion.value ? { region: undrawnRegion.value } : {}),
        ...(day ? { as_of: day } : {}),
      }),
    [],
  );
  return (
    <Found asked={asked} again={again}>
      {({ hits, duties, gaps }) => {
        const rules = [...hits, ...duties];
        return (
          <>
            {!rules.length && <Empty>{t("没有适用的规则。", "No rule holds here.")}</Empty>}
            <ul class="plain">
              {rules.map((rule) => (
                <li key={`${rule.rule} ${rule.place.name_zh}`}>
                  {called(rule.place)}: {called(rule, "activity")}{" "}
                  <Badge tone={SEVERITIES[rule.severity]}>{called(rule, "decision")}</Badge>
                  {rule.presumed && t("（未指明活动时）", " (where no activity is named)")}
                  <br />
                  <small>
                    {rule.legal_basis} {called(rule, "text")}
                  </small>
                </li>
              ))}
            </ul>
            {gaps.length > 0 && (
              <p class="hint">
                {t("尚不清楚：", "Not known: ")}
                {gaps.map((gap) => called(gap, "text")).join(t("；", "; "))}
              </p>
            )}
          </>
        );
      }}
    </Found>
  );
}

const TOLD = ["requirement", "content", "summary", "rule"];

function ObjectHere({ one }: { one: AtPoint }) {
  const { properties } = one;
  const text = TOLD.map((name) => called(properties, name)).find(Boolean);
  return (
    <li class="panel">
      <header>
        <strong>{called(properties) || one.id}</strong>
        {one.in_force ? (
          <Badge tone="good">{t("有效", "in force")}</Badge>
        ) : (
          <Badge>{t("未生效", "not in force")}</Badge>
        )}
      </header>
      <small>
        {one.collection_title} <Size properties={properties} />
      </small>
      {text && <p>{text}</p>}
      <a
        href={`${API}/collections/${one.collection}/items/${encodeURIComponent(one.id)}?f=html&lang=${lang.value}`}
      >
        {t("详情", "Details")}
      </a>
    </li>
  );
}

function Size({ properties }: { properties: Values }) {
  const size = properties.area_km2;
  return typeof size === "number" ? <>· {km2(size)}</> : null;
}
