/** Drawing as part of a form: its tools, its corners as text, what is drawn and what it measures. */

import { type Signal, useSignal } from "@preact/signals";
import type { Position } from "geojson";
import { useEffect, useRef } from "preact/hooks";
import { told } from "../asked";
import { area, fixed } from "../format";
import { Button, Field, tell } from "../ui";
import { t } from "../words";
import { boundsOf } from "./bounds";
import { cornersIn, shapeOf, textOf } from "./coordinates";
import type { Drawable, Kind, Sketch } from "./draw";
import type { MapPane } from "./engine";
import { areaOf, lengthOf } from "./geodesy";
import { canDraw } from "./shapes";

const NAMES: Record<Kind, () => string> = {
  polygon: () => t("画面", "Area"),
  linestring: () => t("画线", "Line"),
  point: () => t("画点", "Point"),
};

/** Draw on a map as long as the component stands.
 * @param shapes What is drawn; it is shown when drawing begins.
 * @param corners What corners are pulled to. */
export function useSketch(
  pane: MapPane | null,
  shapes: Signal<Drawable[]>,
  kind: Kind,
  corners: () => readonly Position[] = () => [],
): Signal<Sketch | null> {
  const sketch = useSignal<Sketch | null>(null);
  const near = useRef(corners);
  near.current = corners;
  useEffect(() => {
    if (!pane) return;
    let gone = false;
    let made: Sketch | null = null;
    const begin = async () => {
      const { sketchOn } = await import("./draw");
      if (gone) return;
      const before = shapes.peek();
      made = sketchOn(
        pane,
        (drawn) => {
          shapes.value = drawn;
        },
        () => near.current(),
        before,
      );
      made.mode(before.length && kind !== "linestring" ? "select" : kind);
      sketch.value = made;
    };
    pane.whenReady(() => {
      begin().catch((error) => tell(told(error).message, "bad"));
    });
    return () => {
      gone = true;
      sketch.value = null;
      made?.stop();
    };
  }, [pane]);
  return sketch;
}

/** The buttons of a sketch, its corners to be typed, and what it measures. */
export function SketchTools({
  sketch,
  shapes,
  kinds,
  pane,
}: {
  sketch: Signal<Sketch | null>;
  shapes: Signal<Drawable[]>;
  kinds: readonly Kind[];
  pane: MapPane | null;
}) {
  const mode = useSignal<Kind | "select" | null>(null);
  const typed = useSignal<string | null>(null);
  const made = sketch.value;
  const turn = (to: Kind | "select") => {
    mode.value = to;
    made?.mode(to);
  };
  const now = mode.value ?? made?.now();
  const last = shapes.value.at(-1);
  const kind = kindOf(last) ?? (mode.value === "select" ? null : mode.value) ?? kinds[0] ?? "point";
  const text = typed.value ?? textOf(cornersOf(last));
  const { corners, wrong } = cornersIn(text, cornersOf(last));
  const put = () => {
    const typedKind = mode.value && mode.value !== "select" ? mode.value : kind;
    const shape = shapeOf(typedKind, corners);
    if (!shape) return;
    if (shape.type === "Polygon" && last?.type === "Polygon")
      shape.coordinates.push(...last.coordinates.slice(1));
    const whole = [...shapes.value.slice(0, -1), shape];
    if (made) made.replace(whole);
    else shapes.value = whole;
    typed.value = null;
    const bounds = boundsOf(shape);
    if (bounds) pane?.fit(bounds);
  };
  return (
    <>
      <div class="actions" role="toolbar" aria-label={t("绘制工具", "Drawing tools")}>
        {kinds.map((one) => (
          <Button key={one} disabled={!made} aria-pressed={now === one} onClick={() => turn(one)}>
            {NAMES[one]()}
          </Button>
        ))}
        <Button disabled={!made} aria-pressed={now === "select"} onClick={() => turn("select")}>
          {t("改顶点", "Move corners")}
        </Button>
        <Button disabled={!made} onClick={() => made?.undo()}>
          {t("撤销", "Undo")}
        </Button>
        <Button disabled={!made} onClick={() => made?.redo()}>
          {t("重做", "Redo")}
        </Button>
        <Button
          disabled={!shapes.value.length}
          onClick={() => {
            typed.value = null;
            if (made) made.clear();
            else shapes.value = [];
          }}
        >
          {t("清除", "Clear")}
        </Button>
      </div>
      <Measured shapes={shapes.value} />
      {!shapes.value.every(canDraw) && (
        <p class="hint">
          {t(
            "带孔的面保持原样，其顶点不能用鼠标改。",
            "An area with holes stays as it is: its corners cannot be moved by mouse.",
          )}
        </p>
      )}
      <details class="group">
        <summary>{t("键入坐标", "Type coordinates")}</summary>
        <Field
          label={t("顶点（经度 纬度，每行一点）", "Corners (longitude latitude, one a line)")}
          hint={t(
            "如 118.0915 24.4853 或 118°05′29.4″ 24°29′07.1″",
            "as 118.0915 24.4853 or 118°05′29.4″ 24°29′07.1″",
          )}
          wrong={
            wrong.length
              ? t(
                  `第 ${wrong.join("、")} 行不是经纬度`,
                  `line ${wrong.join(", ")}: no longitude and latitude`,
                )
              : undefined
          }
        >
          <textarea
            rows={5}
            value={text}
            onInput={({ currentTarget }) => {
              typed.value = currentTarget.value;
            }}
          />
        </Field>
        <Button disabled={wrong.length > 0 || !shapeOf(kind, corners)} onClick={put}>
          {t("按坐标成图", "Draw these")}
        </Button>
      </details>
    </>
  );
}

function Measured({ shapes }: { shapes: readonly Drawable[] }) {
  const { metres, squareMetres } = measuresOf(shapes);
  if (!metres && !squareMetres) return null;
  const size = area(squareMetres);
  return (
    <p class="hint">
      {metres > 0 && `${t("长度", "Length")} ${fixed(metres / 1000, 3)} km`}
      {squareMetres > 0 && `${t("面积", "Area")} ${size.km2} · ${size.ha} · ${size.mu}`}
    </p>
  );
}

/** Length of the lines in metres and area of the polygons in square metres, holes left out. */
export function measuresOf(shapes: readonly Drawable[]) {
  let [metres, squareMetres] = [0, 0];
  for (const shape of shapes) {
    if (shape.type === "LineString") metres += lengthOf(shape.coordinates);
    if (shape.type === "Polygon") {
      const [outer = [], ...holes] = shape.coordinates;
      squareMetres += areaOf(outer) - holes.reduce((sum, hole) => sum + areaOf(hole), 0);
    }
  }
  return { metres, squareMetres };
}

/** The corners of a shape, without the one that closes a ring. */
export function cornersOf(shape: Drawable | undefined): Position[] {
  if (!shape) return [];
  if (shape.type === "Point") return [shape.coordinates];
  return shape.type === "Polygon" ? (shape.coordinates[0] ?? []).slice(0, -1) : shape.coordinates;
}

function kindOf(shape: Drawable | undefined): Kind | null {
  return shape ? (shape.type.toLowerCase() as Kind) : null;
}
