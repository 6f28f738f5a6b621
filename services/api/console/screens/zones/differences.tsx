/** Two versions beside each other: how much went from class to class, and where. */

import { type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { useEffect } from "preact/hooks";
import { api, ask } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { fixed, km2 } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import type { MapPane } from "../../kit/map/engine";
import { Empty, Found, Panel, Select } from "../../kit/ui";
import { t } from "../../kit/words";
import { GREY, keyOfScheme, type Scheme } from "./schemes";
import { titled } from "./zones";

const OUTSIDE = "outside";

export function Differences({
  scheme,
  schemes,
  own,
  pane,
}: {
  scheme: Scheme;
  schemes: readonly Scheme[];
  own: Signal<FeatureCollection | null>;
  pane: MapPane | null;
}) {
  const others = schemes.filter((one) => one !== scheme);
  const wanted = useSignal("");
  const other = others.find((one) => keyOfScheme(one) === wanted.value) ?? others[0];
  if (!other) {
    return (
      <Empty>
        {t("只有一个版本，没有可比较的。", "There is one version alone: nothing to compare with.")}
      </Empty>
    );
  }
  return (
    <>
      <label class="field">
        <span class="label">{t("与之比较", "Compared with")}</span>
        <Select
          value={keyOfScheme(other)}
          onChoose={(key) => {
            wanted.value = key;
          }}
          choices={others.map((one) => ({ value: keyOfScheme(one), label: titled(one) }))}
        />
      </label>
      <Between
        key={keyOfScheme(other)}
        {...(isOlder(scheme, other) ? { from: scheme, to: other } : { from: other, to: scheme })}
        own={own}
        pane={pane}
      />
    </>
  );
}

/** Whether one is a former version of the other: what changed is told from the older on. */
export const isOlder = ({ properties: one }: Scheme, { properties: other }: Scheme) =>
  one.code === other.code && one.version < other.version;

function Between({
  from,
  to,
  own,
  pane,
}: {
  from: Scheme;
  to: Scheme;
  own: Signal<FeatureCollection | null>;
  pane: MapPane | null;
}) {
  const params = {
    path: { code: from.properties.code },
    query: {
      version: from.properties.version,
      with: to.properties.code,
      with_version: to.properties.version,
    },
  };
  const { asked, again } = useAsked(async () => {
    const [compared, places] = await Promise.all([
      ask(api.GET("/zone-schemes/{code}/compare", { params })),
      ask(api.GET("/zone-schemes/{code}/differences", { params })),
    ]);
    return { compared, places };
  }, [keyOfScheme(from), keyOfScheme(to)]);
  const places = asked.value.data?.places.differences;
  useEffect(() => {
    if (!places) return;
    own.value = {
      type: "FeatureCollection",
      features: places.map(({ geometry, color }) => ({
        type: "Feature",
        geometry: geometry as GeoJSON.MultiPolygon,
        properties: { color: color ?? GREY, opacity: 0.85, width: 1 },
      })),
    };
    return () => {
      own.value = null;
    };
  }, [places]);
  return (
    <Found asked={asked} again={again}>
      {({ compared, places: { differences } }) => {
        const names = new Map(
          [...compared.from_classes, ...compared.to_classes].map((one) => [one.class, one.name]),
        );
        const named = (code: string) =>
          code === OUTSIDE ? t("范围外", "outside") : (names.get(code) ?? code);
        const before = new Map(compared.from_classes.map((one) => [one.class, one.area_km2]));
        const after = new Map(compared.to_classes.map((one) => [one.class, one.area_km2]));
        return (
          <>
            <dl class="facts">
              <dt>{t("改变", "Changed")}</dt>
              <dd>{km2(compared.changed_km2)}</dd>
              <dt>{t("未变", "Unchanged")}</dt>
              <dd>{km2(compared.unchanged_km2)}</dd>
            </dl>
            <div class="table" tabIndex={0} role="region" aria-label={t("各类面积", "Classes")}>
              <table>
                <thead>
                  <tr>
                    <th>{t("类别", "Class")}</th>
                    <th class="numeric">{t("原（平方公里）", "Before, km²")}</th>
                    <th class="numeric">{t("现", "After")}</th>
                    <th class="numeric">{t("增减", "Change")}</th>
                  </tr>
                </thead>
                <tbody>
                  {[...names].map(([code, name]) => {
                    // A class that one of them lacks has nothing there; one that nobody has
                    // drawn is not known.
                    const [was = 0, is = 0] = [before.get(code), after.get(code)];
                    const more = was === null || is === null ? null : is - was;
                    return (
                      <tr key={code}>
                        <td>{name}</td>
                        <td class="numeric">{fixed(was, 2)}</td>
                        <td class="numeric">{fixed(is, 2)}</td>
                        <td class="numeric">
                          {more !== null && more > 0 ? "+" : ""}
                          {fixed(more, 2)}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
            <Panel title={t("由何类变为何类", "From class to class")}>
              {compared.moves.every((move) => move.from === move.to) && (
                <p class="hint">{t("两版没有差别。", "The two do not differ.")}</p>
              )}
              <ul class="plain">
                {compared.moves
                  .filter((move) => move.from !== move.to)
                  .sort((a, b) => b.area_km2 - a.area_km2)
                  .map((move) => {
                    const place = differences.find(
                      (one) => one.from === move.from && one.to === move.to,
                    );
                    const bounds = boundsOf(place?.geometry as GeoJSON.MultiPolygon | undefined);
                    return (
                      <li key={`${move.from} ${move.to}`}>
                        <button
                          type="button"
                          class="link"
                          disabled={!bounds}
                          onClick={() => bounds && pane?.fit(bounds)}
                        >
                          {named(move.from)} → {named(move.to)}
                        </button>{" "}
                        {km2(move.area_km2)}
                      </li>
                    );
                  })}
              </ul>
            </Panel>
          </>
        );
      }}
    </Found>
  );
}
