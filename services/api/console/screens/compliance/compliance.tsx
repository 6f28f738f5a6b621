/** Compliance: draw a site, drop a file or pick a project, and get the verdict with its reasons. */

import { batch, useComputed, useSignal } from "@preact/signals";
import type { Feature, FeatureCollection, Geometry } from "geojson";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, ask, type Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { allFeatures, readFeature } from "../../kit/features";
import { keep, recall } from "../../kit/kept";
import { boundsOf } from "../../kit/map/bounds";
import { cornersIn, shapeOf, textOf } from "../../kit/map/coordinates";
import type { Drawable } from "../../kit/map/draw";
import type { MapPane } from "../../kit/map/engine";
import { ACCEPTED, inDegrees, readShapes, type Shapes } from "../../kit/map/files";
import { MapView } from "../../kit/map/map_view";
import { canDraw, joined, partsOf } from "../../kit/map/shapes";
import { cornersOf, useSketch } from "../../kit/map/sketch";
import { region, undrawnRegion, within } from "../../kit/place";
import { screenPath } from "../../kit/screens";
import { gathered } from "../../kit/shapefile";
import {
  Button,
  Empty,
  FaultBox,
  Field,
  Found,
  Panel,
  SearchBox,
  Select,
  Tabs,
} from "../../kit/ui";
import { called, t } from "../../kit/words";
import { Opinion, type Overlap } from "./opinion";
import { mayExcept, mayRequest, type Request, Requests } from "./requests";
import { type Asked, type Check, check } from "./verdict";

const DRAFT = "draft.compliance";
const LAYERS = [{ name: "zones", opacity: 0.55 }, { name: "control_areas" }];

export default function Compliance() {
  const { query, route } = useLocation();
  const tabs = [
    { id: "draw", label: t("画范围", "Draw") },
    { id: "file", label: t("文件", "File") },
    { id: "project", label: t("项目", "Project") },
    ...(mayExcept() || mayRequest() ? [{ id: "requests", label: t("例外申请", "Requests") }] : []),
  ];
  const project = query.project ?? "";
  const way = tabs.find(({ id }) => id === query.way)?.id ?? (project ? "project" : "draw");
  const go = (to: Record<string, string>, instead = false) =>
    route(screenPath("compliance", { way, project, ...to }), instead);
  const shape = useSignal<Geometry | null>(recall<Geometry>(DRAFT));
  const looked = useSignal<Request | null>(null);
  const activities = useSignal<string[]>([]);
  const pane = useSignal<MapPane | null>(null);
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const result = useSignal<{ check: Check; asked: Asked } | null>(null);
  const overlap = useSignal<Overlap | null>(null);
  useEffect(() => shape.subscribe((drawn) => keep(DRAFT, drawn)), []);
  const ofRequest = way === "requests";
  const code = ofRequest ? (looked.value?.project ?? "") : project;
  const ofProject = way === "project" || (code !== "" && ofRequest);
  const place = useAsked(
    async () => (code ? (await readFeature("projects", code)).data.geometry : null),
    [ofProject ? code : null],
  );
  const { data: placed, fault: misplaced, waiting } = place.asked.value;
  const ofProjectNow = misplaced || waiting ? null : (placed ?? null);
  const own = ofRequest ? ((looked.value?.geometry as Geometry | undefined) ?? null) : shape.value;
  const site = ofProject ? ofProjectNow : own;
  const found = result.value?.check ?? null;
  const drawn = useMemo(
    () => overlay(site, way === "draw", found, overlap.value),
    [site, way, found, overlap.value],
  );
  const question = useRef<Asked | null>(null);
  /** Ask anew: a verdict that was shown, or is under way, is of another question. */
  const anew = (change: () => void) =>
    batch(() => {
      change();
      question.current = null;
      busy.value = false;
      fault.value = null;
      result.value = null;
      overlap.value = null;
    });
  useEffect(() => anew(() => {}), [way, project]);
  const set = (geometry: Geometry | null) =>
    anew(() => {
      shape.value = geometry;
    });
  const run = async () => {
    const asked: Asked = {
      ...(ofProject ? { project: code } : { geometry: own as Geometry, ...heldBy() }),
      ...(activities.value.length ? { activities: activities.value } : {}),
    };
    question.current = asked;
    batch(() => {
      busy.value = true;
      fault.value = null;
    });
    const end = (ended: () => void) => {
      if (question.current !== asked) return;
      batch(() => {
        ended();
        busy.value = false;
      });
    };
    try {
      const found = await check(asked);
      end(() => {
        result.value = { check: found, asked };
        overlap.value = null;
      });
    } catch (error) {
      end(() => {
        result.value = null;
        fault.value = told(error);
      });
    }
  };
  const ready = ofProject ? code !== "" : own !== null;
  return (
    <div class="beside">
      <div class="card">
        <h1>{t("合规审查", "Compliance")}</h1>
        <Tabs
          label={t("审查什么", "What is checked")}
          chosen={way}
          onChoose={(id) => go({ way: id })}
          tabs={tabs}
        >
          {way === "draw" && <Drawing pane={pane.value} shape={shape.value} onShape={set} />}
          {way === "file" && (
            <FileChoice
              onShape={(geometry) => {
                set(geometry);
                const bounds = boundsOf(geometry);
                if (bounds) pane.value?.fit(bounds);
              }}
            />
          )}
          {ofRequest && (
            <Requests
              looked={looked.value}
              onLook={(one, named) =>
                anew(() => {
                  looked.value = one;
                  activities.value = named;
                })
              }
              onDecided={(one) => {
                looked.value = one;
                if (result.value) run();
              }}
            />
          )}
          {way === "project" && (
            <ProjectChoice project={project} onProject={(code) => go({ project: code }, true)} />
          )}
        </Tabs>
        <Activities
          chosen={activities.value}
          onChoose={(codes) =>
            anew(() => {
              activities.value = codes;
            })
          }
        />
        <Button kind="main" busy={busy.value} disabled={!ready} onClick={run}>
          {t("审查", "Check")}
        </Button>
        <FaultBox fault={fault.value} />
        {ofProject && code && <FaultBox fault={misplaced} again={place.again} />}
        {result.value && (
          <Opinion
            {...result.value}
            looked={overlap.value}
            onLook={(one) => {
              overlap.value = one;
              const bounds = boundsOf(one?.geometry ?? site);
              if (bounds) pane.value?.fit(bounds);
            }}
            onChanged={run}
          />
        )}
      </div>
      <MapView
        label={t("审查范围", "The site")}
        layers={LAYERS}
        features={drawn}
        bounds={ofProject || ofRequest ? boundsOf(site) : null}
        onPane={(made) => {
          pane.value = made;
        }}
      />
    </div>
  );
}

/** Who answers for a drawn place that lies in no region with a shape. */
const heldBy = () => (undrawnRegion.value ? { region: undrawnRegion.value } : {});

const OVERLAP = "#b3261e";

/** The site, or what of it the sketch does not show already; above it what of it lies in lines, or
 * the one overlap that is looked at. */
function overlay(
  site: Geometry | null,
  sketched: boolean,
  check: Check | null,
  looked: Overlap | null,
): FeatureCollection {
  const parts = partsOf(site).filter((part) => !sketched || !canDraw(part));
  const areas = check?.lines.flatMap((line) => line.areas) ?? [];
  return {
    type: "FeatureCollection",
    features: [
      ...parts.map((geometry) => feature(geometry, { color: "#c2185b" })),
      ...(looked ? [looked] : areas).flatMap((one) =>
        one.geometry
          ? feature(one.geometry, { color: OVERLAP, opacity: looked ? 0.7 : 0.5, width: 3 })
          : [],
      ),
    ],
  };
}

const feature = (geometry: Geometry, properties: Record<string, unknown>): Feature => ({
  type: "Feature",
  geometry,
  properties,
});

function Drawing({
  pane,
  shape,
  onShape,
}: {
  pane: MapPane | null;
  shape: Geometry | null;
  onShape: (shape: Geometry | null) => void;
}) {
  const shapes = useSignal<Drawable[]>(partsOf(shape));
  const sketch = useSketch(pane, shapes, "polygon");
  const mode = useSignal<"polygon" | "select">(shape ? "select" : "polygon");
  const typed = useSignal<string | null>(null);
  useEffect(() => {
    let before = JSON.stringify(shapes.peek());
    return shapes.subscribe((drawn) => {
      const now = JSON.stringify(drawn);
      // A new map is given what was drawn: that is no change.
      if (now === before) return;
      before = now;
      typed.value = null;
      onShape(joined(drawn));
    });
  }, []);
  const turn = (to: "polygon" | "select") => {
    mode.value = to;
    sketch.value?.mode(to);
  };
  const first = shapes.value.find((part) => part.type === "Polygon");
  const text = typed.value ?? textOf(cornersOf(first));
  const listed = cornersIn(text, cornersOf(first));
  const apply = () => {
    const made = shapeOf("polygon", listed.corners);
    if (made?.type !== "Polygon" || listed.wrong.length) return;
    if (first) made.coordinates.push(...first.coordinates.slice(1));
    const whole = [made, ...shapes.value.filter((part) => part !== first)];
    typed.value = null;
    if (sketch.value) sketch.value.replace(whole);
    else shapes.value = whole;
    const bounds = boundsOf(made);
    if (bounds) pane?.fit(bounds);
  };
  const wrong = listed.wrong.length
    ? t(
        `第 ${listed.wrong.join("、")} 行不是经纬度`,
        `line ${listed.wrong.join(", ")}: no longitude and latitude`,
      )
    : undefined;
  return (
    <>
      <p class="hint">
        {t(
          "在地图上依次点击角点，双击或点击首点结束；或在下面键入角点。",
          "Click the corners on the map, end at the first; or type them below.",
        )}
      </p>
      <div class="actions">
        <Button
          aria-pressed={mode.value === "polygon"}
          disabled={!sketch.value}
          onClick={() => turn("polygon")}
        >
          {t("画面", "Draw")}
        </Button>
        <Button
          aria-pressed={mode.value === "select"}
          disabled={!sketch.value}
          onClick={() => turn("select")}
        >
          {t("改角点", "Move corners")}
        </Button>
        <Button disabled={!sketch.value} onClick={() => sketch.value?.undo()}>
          {t("撤销", "Undo")}
        </Button>
        <Button disabled={!sketch.value} onClick={() => sketch.value?.redo()}>
          {t("重做", "Redo")}
        </Button>
        <Button
          disabled={!shape}
          onClick={() => {
            if (sketch.value) sketch.value.clear();
            else shapes.value = [];
          }}
        >
          {t("清除", "Clear")}
        </Button>
      </div>
      <Field
        label={t("角点（经度 纬度，每行一点）", "Corners (longitude latitude, one a line)")}
        hint={t(
          "如 118.0915 24.4853 或 118°05′29.4″ 24°29′07.1″",
          "as 118.0915 24.4853 or 118°05′29.4″ 24°29′07.1″",
        )}
        wrong={wrong}
      >
        <textarea
          rows={6}
          value={text}
          onInput={({ currentTarget }) => {
            typed.value = currentTarget.value;
          }}
        />
      </Field>
      <Button disabled={listed.corners.length < 3 || listed.wrong.length > 0} onClick={apply}>
        {t("按角点成图", "Draw these corners")}
      </Button>
    </>
  );
}

/** Central meridians of the 3-degree zones that cover China. */
const MERIDIANS = Array.from({ length: 21 }, (_, n) => 75 + 3 * n);

function FileChoice({ onShape }: { onShape: (shape: Geometry | null) => void }) {
  const name = useSignal("");
  const shapes = useSignal<Shapes | null>(null);
  const meridian = useSignal("");
  const fault = useSignal<Fault | null>(null);
  const over = useSignal(false);
  const put = async (found: Shapes, central: string) => {
    if (found.plane && !central) return onShape(null);
    const places = found.plane
      ? await inDegrees(found.geometries, Number(central))
      : found.geometries;
    onShape(joined(places.flatMap(partsOf)));
  };
  const take = async (given: FileList | null | undefined) => {
    if (!given?.length) return;
    const files = [...given];
    fault.value = null;
    shapes.value = null;
    try {
      const [file, other] = await gathered(files);
      if (!file) return;
      if (other) {
        const words = `${file.name}, ${other.name}`;
        throw new Error(
          t(`一次审查一个文件，收到：${words}`, `one file at a time is checked; given: ${words}`),
        );
      }
      name.value = file.name;
      const found = await readShapes(file);
      shapes.value = found;
      meridian.value = found.meridian ? String(found.meridian) : meridian.value;
      await put(found, meridian.value);
    } catch (error) {
      onShape(null);
      fault.value = told(error);
    }
  };
  const count = shapes.value?.geometries.length ?? 0;
  return (
    <>
      <label
        class={`drop${over.value ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          take(event.dataTransfer?.files);
        }}
      >
        {t("拖入文件，或", "Drop a file, or")}{" "}
        <input
          type="file"
          multiple
          accept={ACCEPTED}
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            currentTarget.value = "";
          }}
        />
        <br />
        <small>
          {t(
            "GeoJSON、KML、Shapefile（压缩包，或各文件一起）、DXF、角点表 CSV；文件只在本机读取",
            "GeoJSON, KML, Shapefile (zipped, or its files together), DXF, corner points as CSV; files are read on this machine alone",
          )}
        </small>
      </label>
      <FaultBox fault={fault.value} />
      {shapes.value && (
        <p>
          {name.value}: {t(`${count} 个图形`, `${count} shapes`)}
        </p>
      )}
      {shapes.value !== null && shapes.value.left.length > 0 && (
        <p class="hint">
          {t(
            `未读取的图元：${shapes.value.left.join("、")}；如属范围，请先转为多段线`,
            `Entities that are not read: ${shapes.value.left.join(", ")}; where they are part of the site, make them polylines first`,
          )}
        </p>
      )}
      {shapes.value?.plane && (
        <Field
          label={t("中央经线（CGCS2000 3°带）", "Central meridian (CGCS2000, 3° zones)")}
          hint={t(
            "坐标是平面坐标，须知其中央经线",
            "plane coordinates: their central meridian must be known",
          )}
          needed
        >
          <Select
            value={meridian.value}
            empty={t("（选择）", "(choose)")}
            onChoose={(chosen) => {
              meridian.value = chosen;
              if (shapes.value) put(shapes.value, chosen);
            }}
            choices={MERIDIANS.map((degrees) => ({
              value: String(degrees),
              label: `${degrees}°E`,
            }))}
          />
        </Field>
      )}
    </>
  );
}

/** From how many projects on they are filtered. */
const MANY = 20;

function ProjectChoice({
  project,
  onProject,
}: {
  project: string;
  onProject: (code: string) => void;
}) {
  const here = region.value;
  const { asked, again } = useAsked(
    (signal) =>
      allFeatures(
        "projects",
        { filter: within(here), properties: "name_zh,name_en" },
        signal,
        100_000,
      ),
    [here || null],
  );
  const text = useSignal("");
  const wanted = text.value.trim().toLowerCase();
  return (
    <Found asked={asked} again={again}>
      {(projects) =>
        projects.length ? (
          <>
            {projects.length > MANY && (
              <SearchBox text={text} aria-label={t("筛选项目", "Filter projects")} />
            )}
            <Field label={t("项目", "Project")}>
              <Select
                value={project}
                empty={t("（选择）", "(choose)")}
                onChoose={onProject}
                choices={projects
                  .map(({ id, properties }) => ({ value: id, label: called(properties) || id }))
                  .filter(
                    ({ value, label }) =>
                      value === project || `${label} ${value}`.toLowerCase().includes(wanted),
                  )}
              />
            </Field>
          </>
        ) : (
          <Empty>{t("该区域没有项目。", "The region has no projects.")}</Empty>
        )
      }
    </Found>
  );
}

/** What is to be done there; where nothing is named, building is presumed. */
function Activities({
  chosen,
  onChoose,
}: {
  chosen: string[];
  onChoose: (codes: string[]) => void;
}) {
  const { asked, again } = useAsked(() => ask(api.GET("/compliance/activities")), []);
  const text = useSignal("");
  const wanted = useComputed(() => text.value.trim().toLowerCase());
  return (
    <details class="group">
      <summary>
        {t("拟开展的活动", "What is to be done there")}
        <span class="count">{chosen.length || t("默认：开发建设", "usually: development")}</span>
      </summary>
      <Found asked={asked} again={again}>
        {({ activities }) => (
          <Panel>
            <SearchBox
              text={text}
              placeholder={t("筛选", "Filter")}
              aria-label={t("筛选活动", "Filter activities")}
            />
            <div class="activities">
              {activities
                .filter(
                  (one) =>
                    chosen.includes(one.code) || called(one).toLowerCase().includes(wanted.value),
                )
                .map((one) => (
                  <label key={one.code} class="check">
                    <input
                      type="checkbox"
                      checked={chosen.includes(one.code)}
                      onChange={({ currentTarget }) =>
                        onChoose(
                          currentTarget.checked
                            ? [...chosen, one.code]
                            : chosen.filter((code) => code !== one.code),
                        )
                      }
                    />
                    {called(one)}
                  </label>
                ))}
            </div>
          </Panel>
        )}
      </Found>
    </details>
  );
}
