/** Search of objects by name or code, and of places by their coordinates. */

import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { told, useAsked } from "../../kit/asked";
import { type Feature, listFeatures } from "../../kit/features";
import { boundsOf } from "../../kit/map/bounds";
import { placeIn } from "../../kit/map/coordinates";
import type { Bounds } from "../../kit/map/layers";
import type { Clicked } from "../../kit/map/map_view";
import { Button, Empty, Found, SearchBox } from "../../kit/ui";
import { called, t } from "../../kit/words";

const SEARCHED: [collection: string, zh: string, en: string][] = [
  ["named_features", "地物", "place"],
  ["regions", "区域", "region"],
  ["zones", "分区", "zone"],
  ["corridors", "廊道", "corridor"],
  ["projects", "项目", "project"],
  ["problems", "问题", "problem"],
  ["control_areas", "管控线", "control area"],
  ["stations", "站点", "station"],
];

interface Hit {
  feature: Feature;
  kind: string;
}

interface Hits {
  hits: Hit[];
  /** Kinds of objects that could not be asked for, and why. */
  missed: string[];
}

export function Search({
  onFound,
  onPoint,
}: {
  onFound: (bounds: Bounds) => void;
  onPoint: (at: Clicked) => void;
}) {
  const text = useSignal("");
  const wanted = useSignal<string | null>(null);
  const { asked, again } = useAsked(
    (signal) => search(wanted.peek() ?? "", signal),
    [wanted.value],
  );
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const place = placeIn(text.value.trim());
    wanted.value = place ? null : text.value.trim() || null;
    if (place) onPoint({ lon: place[0] ?? 0, lat: place[1] ?? 0 });
  };
  return (
    <>
      <search>
        <form class="search" onSubmit={submit}>
          <SearchBox
            text={text}
            maxLength={100}
            placeholder={t("名称、代码或 118.1 24.5", "name, code or 118.1 24.5")}
            aria-label={t("查找地名、对象或坐标", "Find a place, an object or coordinates")}
          />
          <Button submits>{t("查找", "Find")}</Button>
        </form>
      </search>
      {wanted.value !== null && (
        <Found asked={asked} again={again}>
          {({ hits, missed }) => (
            <>
              {missed.length > 0 && (
                <div class="notice warn" role="alert">
                  <p>
                    {t(
                      `未能查询：${missed.join("；")}`,
                      `Could not be asked: ${missed.join("; ")}`,
                    )}
                  </p>
                  <Button onClick={again}>{t("重试", "Try again")}</Button>
                </div>
              )}
              {hits.length ? (
                <ul class="plain hits">
                  {hits.map(({ feature, kind }) => {
                    const bounds = boundsOf(feature.geometry);
                    return (
                      <li key={kind + feature.id}>
                        <button
                          type="button"
                          class="link"
                          disabled={!bounds}
                          onClick={() => bounds && onFound(bounds)}
                        >
                          {called(feature.properties) || feature.id}
                        </button>{" "}
                        <small>
                          {kind}
                          {!bounds && t("（尚未落图）", " (not drawn yet)")}
                        </small>
                      </li>
                    );
                  })}
                </ul>
              ) : (
                <Empty>{t("没有找到。", "Nothing found.")}</Empty>
              )}
            </>
          )}
        </Found>
      )}
    </>
  );
}

/** What each kind of object has; one that fails takes nothing from the others.
 * @throws Fault where none could be asked. */
async function search(q: string, signal: AbortSignal): Promise<Hits> {
  const found = await Promise.allSettled(
    SEARCHED.map(async ([collection, zh, en]) => {
      const page = await listFeatures(collection, { q, limit: 5 }, signal);
      return page.features.map((feature) => ({ feature, kind: t(zh, en) }));
    }),
  );
  const failed = found.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (signal.aborted || failed.length === found.length) throw failed[0];
  return {
    hits: found.flatMap((one) => (one.status === "fulfilled" ? one.value : [])),
    missed: SEARCHED.flatMap(([, zh, en], n) => {
      const one = found[n];
      return one?.status === "rejected" ? [`${t(zh, en)} (${told(one.reason).message})`] : [];
    }),
  };
}
