/** Two maps that move as one: side by side, or one under a divider. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { useEffect, useRef } from "preact/hooks";
import type { MapPane } from "../../kit/map/engine";
import type { Shown } from "../../kit/map/layers";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { t } from "../../kit/words";

export type Comparison = "none" | "swipe" | "beside";

export function Compared({
  how,
  left,
  right,
  features,
  onClick,
  onPane,
}: {
  how: Comparison;
  left: readonly Shown[];
  right: readonly Shown[];
  /** What the screen draws itself, on both. */
  features: FeatureCollection;
  onClick: (at: Clicked) => void;
  /** Called with the left map, which the other one follows. */
  onPane: (pane: MapPane | null) => void;
}) {
  const panes = [useSignal<MapPane | null>(null), useSignal<MapPane | null>(null)] as const;
  const percent = useSignal(50);
  const over = useRef<HTMLDivElement>(null);
  const [one, other] = [panes[0].value, panes[1].value];
  useEffect(() => (one && other ? moveTogether([one, other]) : undefined), [one, other]);
  useEffect(() => {
    for (const pane of [one, other]) pane?.map.resize();
  }, [how, one, other]);
  useEffect(() => {
    if (over.current)
      over.current.style.clipPath = how === "swipe" ? `inset(0 0 0 ${percent.value}%)` : "";
  }, [how, percent.value]);
  return (
    <div class={`compared ${how}`}>
      <MapView
        label={t("左图", "Left map")}
        layers={left}
        features={features}
        onClick={onClick}
        onPane={(pane) => {
          panes[0].value = pane;
          onPane(pane);
        }}
      />
      <div class="second" ref={over}>
        <MapView
          label={t("右图", "Right map")}
          layers={right}
          features={features}
          onClick={onClick}
          onPane={(pane) => {
            panes[1].value = pane;
          }}
          follows
        />
      </div>
      {how === "swipe" && (
        <input
          class="divider"
          type="range"
          min={0}
          max={100}
          value={percent.value}
          aria-label={t("卷帘位置", "Divider")}
          onInput={({ currentTarget }) => {
            percent.value = Number(currentTarget.value);
          }}
        />
      )}
    </div>
  );
}

/** Let maps follow whichever is moved.
 * @returns What lets them go. */
export function moveTogether(panes: readonly MapPane[]): () => void {
  let moving = false;
  const ends = panes.map((leader) => {
    const follow = () => {
      if (moving) return;
      moving = true;
      const view = { center: leader.map.getCenter(), zoom: leader.map.getZoom() };
      for (const pane of panes) if (pane !== leader) pane.map.jumpTo(view);
      moving = false;
    };
    leader.map.on("move", follow);
    return () => leader.map.off("move", follow);
  });
  return () => {
    for (const end of ends) end();
  };
}
