/** A map as part of a screen; the library behind it is loaded with the first one. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { told } from "../asked";
import { readFeature } from "../features";
import { region } from "../place";
import { FaultBox, Waiting } from "../ui";
import { lang, t } from "../words";
import { BackgroundChoice, background } from "./background";
import { ANYWHERE, boundsOf } from "./bounds";
import type { MapPane } from "./engine";
import { type Bounds, keyOf, type Shown } from "./layers";

export interface Clicked {
  lon: number;
  lat: number;
}

export function MapView({
  label,
  layers,
  features,
  bounds,
  onClick,
  onPane,
  follows,
  children,
}: {
  label: string;
  layers: readonly Shown[];
  /** What the screen draws itself. */
  features?: FeatureCollection | null;
  /** Where to look; without it, at the region. */
  bounds?: Bounds | null;
  onClick?: ((at: Clicked) => void) | undefined;
  /** Called with the map, and with null when it goes. */
  onPane?: (pane: MapPane | null) => void;
  /** Whether another map stands beside it, on which the background is chosen for both. */
  follows?: boolean;
  children?: ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  const pane = useSignal<MapPane | null>(null);
  const fault = useSignal<ReturnType<typeof told> | null>(null);
  const click = useRef(onClick);
  click.current = onClick;
  useEffect(() => {
    let gone = false;
    let made: MapPane | null = null;
    const fail = (error: unknown) => {
      if (!gone) fault.value = told(error);
    };
    import("./engine")
      .then(async ({ MapPane }) => {
        const start = bounds ?? (await boundsOfRegion(region.peek()));
        if (gone || !box.current) return;
        made = new MapPane(box.current, start, { fail });
        made.map.on("click", ({ lngLat }) => {
          const { lng, lat } = lngLat.wrap();
          click.current?.({ lon: lng, lat });
        });
        made.map.getCanvas().addEventListener("keydown", ({ key }) => {
          if (key !== "Enter" || !made) return;
          const { lng, lat } = made.map.getCenter().wrap();
          click.current?.({ lon: lng, lat });
        });
        pane.value = made;
        onPane?.(made);
      })
      // A browser without the graphics that maps need refuses them.
      .catch(fail);
    return () => {
      gone = true;
      pane.value = null;
      onPane?.(null);
      made?.remove();
    };
    // Names on the map are in one language: the other one is another map.
  }, [lang.value]);
  const shown = layers
    .map((one) => `${keyOf(one)} ${one.opacity ?? 1} ${one.hidden ?? ""}`)
    .join("|");
  useEffect(() => {
    if (!pane.value) return;
    let other = false;
    fault.value = null;
    pane.value.show(layers).catch((error) => {
      if (!other) fault.value = told(error);
    });
    return () => {
      other = true;
    };
  }, [pane.value, shown]);
  useEffect(() => {
    fault.value = null;
    pane.value?.lay(background.value);
  }, [pane.value, background.value]);
  useEffect(() => pane.value?.draw(features ?? null), [pane.value, features]);
  useEffect(() => {
    if (bounds) pane.value?.fit(bounds);
  }, [pane.value, bounds?.join()]);
  const first = useRef(true);
  useEffect(() => {
    if (first.current || bounds) {
      first.current = false;
      return;
    }
    const asked = region.value;
    boundsOfRegion(asked).then((found) => {
      if (asked === region.peek()) pane.value?.fit(found);
    });
  }, [region.value]);
  return (
    <section class="map" aria-label={label}>
      <div ref={box} class="canvas" data-ready={pane.value ? "" : undefined} />
      {!pane.value && !fault.value && <Waiting what={t("正在打开地图…", "Opening the map…")} />}
      {fault.value && (
        <div class="over">
          <FaultBox fault={fault.value} />
        </div>
      )}
      {!follows && <BackgroundChoice />}
      {children}
    </section>
  );
}

const boxes = new Map<string, Promise<Bounds>>();

/** The box around a region; around China where it has no shape. */
export function boundsOfRegion(code: string): Promise<Bounds> {
  let found = boxes.get(code);
  if (!found) {
    found = code
      ? readFeature("regions", code).then(
          ({ data }) => boundsOf(data.geometry) ?? ANYWHERE,
          () => {
            // What failed may work the next time.
            boxes.delete(code);
            return ANYWHERE;
          },
        )
      : Promise.resolve(ANYWHERE);
    boxes.set(code, found);
  }
  return found;
}
