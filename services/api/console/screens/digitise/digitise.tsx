/** Digitise: what nobody has drawn yet first; draw, trace a scanned map, type, save. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection, Position } from "geojson";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useAsked } from "../../kit/asked";
import { type Feature, MOST, readFeature } from "../../kit/features";
import { number } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import type { MapPane } from "../../kit/map/engine";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { canDraw, partsOf } from "../../kit/map/shapes";
import { region } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { Badge, Button, Empty, Found, Panel, SearchBox, Tabs } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { bordersOf } from "./borders";
import { ObjectForm } from "./object_form";
import { COLLECTIONS, type Digitised, type Listed, mayDraw, objectsOf } from "./objects";
import { Scan } from "./scan_panel";
import "./digitise.css";

export interface Opened {
  collection: Digitised;
  /** None for a new object. */
  code: string | null;
}

export default function Digitise() {
  const { query, route } = useLocation();
  const tab = query.tab === "scan" ? "scan" : "objects";
  const opened = useSignal<Opened | null>(openedBy(query.collection, query.object));
  const here = useRef(true);
  useEffect(
    () => () => {
      here.current = false;
    },
    [],
  );
  const pane = useSignal<MapPane | null>(null);
  const clicked = useSignal<Clicked | null>(null);
  const taking = useSignal(false);
  const objects = useAsked((signal) => objectsOf(region.value, signal), [region.value || null]);
  const text = useSignal("");
  const found = useAsked(
    (signal) => objectsOf(region.value, signal, text.value),
    [region.value || null, text.value || null],
  );
  const listed = text.value ? found : objects;
  const around = useAsked(
    async () => (await readFeature("regions", region.value)).data.geometry,
    [region.value || null],
  );
  const all = objects.asked.value.data;
  const boundary = around.asked.value.data ?? null;
  const [own, others] = useMemo(() => ownAndOthers(all ?? [], opened.value), [all, opened.value]);
  const borders = useMemo(
    () => bordersOf([boundary, ...others.map(({ geometry }) => geometry)]),
    [others, boundary],
  );
  const draws = opened.value !== null && mayDraw(opened.value.collection);
  const features = useMemo(
    // What is not drawn upon is shown as it is.
    () =>
      overlayOf([
        ...others,
        ...own.filter(({ geometry }) => !draws || !partsOf(geometry).every(canDraw)),
      ]),
    [own, others, draws],
  );
  const addressOf = (what: Opened | null, tab?: string) =>
    screenPath("digitise", { collection: what?.collection.id, object: what?.code, tab });
  const open = (what: Opened | null) => {
    // What is saved may be answered when one has left.
    if (!here.current) return;
    opened.value = what;
    route(addressOf(what), true);
  };
  useEffect(() => {
    // One went back, or followed a link: of a new object an address has the collection alone.
    const named = openedBy(query.collection, query.object);
    const now = opened.peek();
    if (!query.collection) opened.value = null;
    else if (named && !(now && keyOf(now) === keyOf(named))) opened.value = named;
  }, [query.collection, query.object]);
  return (
    <div class="beside">
      <div class="card">
        <h1>{t("廊道与要素", "Digitise")}</h1>
        <Tabs
          label={t("廊道与要素", "Digitise")}
          chosen={tab}
          onChoose={(id) => route(addressOf(opened.value, id))}
          tabs={[
            { id: "objects", label: t("要素", "Objects") },
            { id: "scan", label: t("扫描图", "Scanned map") },
          ]}
        >
          {/* Both stay: a picture and a drawing are worked on together. */}
          <div hidden={tab !== "scan"} class="form">
            <Scan pane={pane.value} clicked={clicked} taking={taking} />
          </div>
          <div hidden={tab !== "objects"} class="form">
            {opened.value ? (
              <ObjectForm
                key={keyOf(opened.value)}
                opened={opened.value}
                pane={pane.value}
                borders={borders}
                taking={taking}
                onSaved={(saved) => {
                  objects.again();
                  found.again();
                  open(saved && opened.value ? { ...opened.value, code: saved } : null);
                }}
                onClose={() => open(null)}
              />
            ) : (
              <>
                <SearchBox text={text} whole aria-label={t("查找要素", "Find objects")} />
                <Found asked={listed.asked} again={listed.again}>
                  {(all) => (
                    <Objects
                      found={all}
                      onOpen={(what, feature) => {
                        open(what);
                        const bounds = boundsOf(feature?.geometry);
                        if (bounds) pane.value?.fit(bounds);
                      }}
                    />
                  )}
                </Found>
              </>
            )}
          </div>
        </Tabs>
      </div>
      <MapView
        label={t("绘制", "Drawing")}
        layers={[{ name: "zones", opacity: 0.35 }]}
        features={features}
        onClick={(at) => {
          clicked.value = at;
        }}
        onPane={(made) => {
          pane.value = made;
        }}
      />
    </div>
  );
}

/** What an address names. */
export function openedBy(id: string | undefined, object: string | undefined): Opened | null {
  const collection = COLLECTIONS.find((one) => one.id === id);
  return collection && object ? { collection, code: object } : null;
}

/** One form for each object; a new one is of the region that is worked on. */
const keyOf = ({ collection, code }: Opened) =>
  JSON.stringify(code === null ? [collection.id, null, region.value] : [collection.id, code]);

/** What is opened, and all else: objects of two collections may have the same code. */
function ownAndOthers(all: readonly Listed[], opened: Opened | null): [Feature[], Feature[]] {
  const own: Feature[] = [];
  const others: Feature[] = [];
  for (const { collection, features } of all)
    for (const feature of features) {
      const isOwn = collection.id === opened?.collection.id && feature.id === opened.code;
      (isOwn ? own : others).push(feature);
    }
  return [own, others];
}

const SHOWN_AT_FIRST = 8;

function Objects({
  found,
  onOpen,
}: {
  found: readonly Listed[];
  onOpen: (what: Opened, feature: Feature | null) => void;
}) {
  const undrawn = found.reduce(
    (sum, { features }) => sum + features.filter(({ geometry }) => !geometry).length,
    0,
  );
  const most = number(MOST);
  return (
    <>
      {found.some(isCut) && (
        <p class="hint">
          {t(
            `每类最多列出 ${most} 个，其余请按名称或代码查找。`,
            `At most ${most} of a kind are listed; find others by name or code.`,
          )}
        </p>
      )}
      <p>{t(`${undrawn} 个要素还没有图形`, `${undrawn} objects are not drawn yet`)}</p>
      {found.map((one) => (
        <OfCollection key={one.collection.id} listed={one} onOpen={onOpen} />
      ))}
    </>
  );
}

/** Whether there may be more objects than are listed. */
const isCut = ({ features }: Listed) => features.length >= MOST;

function OfCollection({
  listed,
  onOpen,
}: {
  listed: Listed;
  onOpen: (what: Opened, feature: Feature | null) => void;
}) {
  const { collection, features } = listed;
  const whole = useSignal(false);
  const count = `${number(features.length)}${isCut(listed) ? "+" : ""}`;
  const shown = whole.value ? features : features.slice(0, SHOWN_AT_FIRST);
  return (
    <Panel
      title={
        <>
          {collection.title()}
          <span class="count">{count}</span>
        </>
      }
      actions={
        mayDraw(collection) && (
          <Button onClick={() => onOpen({ collection, code: null }, null)}>
            {t("新建", "New")}
          </Button>
        )
      }
    >
      {!features.length && <Empty>{t("没有要素", "none")}</Empty>}
      <ul class="plain undrawn">
        {shown.map((feature) => (
          <li key={feature.id}>
            <button
              type="button"
              class="link"
              onClick={() => onOpen({ collection, code: feature.id }, feature)}
            >
              {called(feature.properties) || feature.id}
            </button>
            {!feature.geometry && <Badge tone="warn">{t("未绘制", "not drawn")}</Badge>}
          </li>
        ))}
      </ul>
      {features.length > shown.length && (
        <Button
          kind="quiet"
          onClick={() => {
            whole.value = true;
          }}
        >
          {t(`全部 ${count} 个`, `All ${count}`)}
        </Button>
      )}
    </Panel>
  );
}

/** What is drawn already, to be seen and to be near to. */
export function overlayOf(features: readonly Feature[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: features.flatMap(({ geometry, properties }) =>
      geometry
        ? [
            {
              type: "Feature" as const,
              geometry,
              properties: { color: "#1b5a8a", opacity: 0.12, width: 2, label: called(properties) },
            },
          ]
        : [],
    ),
  };
}

export type Borders = readonly (readonly Position[])[];
