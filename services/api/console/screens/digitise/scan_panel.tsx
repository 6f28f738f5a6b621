/** A scanned map under the drawing: chosen in the browser, placed by control points, never sent. */

import { batch, type Signal, useSignal } from "@preact/signals";
import type { CanvasSource } from "maplibre-gl";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { told } from "../../kit/asked";
import type { Values } from "../../kit/features";
import { memberOf, useDraft } from "../../kit/form";
import { fixed } from "../../kit/format";
import { degreesIn } from "../../kit/map/coordinates";
import type { MapPane } from "../../kit/map/engine";
import type { Clicked } from "../../kit/map/map_view";
import { Button, Field, Panel, tell } from "../../kit/ui";
import { t } from "../../kit/words";
import { type ControlPoint, cornersOfScan, FEWEST_POINTS, type Fitted, fitted } from "./scan";

const LAYER = "scan";
/** Pictures are drawn with at most so many pixels a side, as graphics cards take them. */
const MOST_PIXELS = 4096;

/** A point of which some numbers may be missing still. */
export type Typed = Record<keyof ControlPoint, string>;
const COLUMNS: readonly (keyof ControlPoint)[] = ["x", "y", "lon", "lat"];

/** The points that are whole. */
export function wholePoints(typed: readonly Typed[]): { points: ControlPoint[]; rows: number[] } {
  const points: ControlPoint[] = [];
  const rows: number[] = [];
  typed.forEach((row, n) => {
    const numbers = COLUMNS.map((name) =>
      name === "x" || name === "y"
        ? row[name].trim() === ""
          ? Number.NaN
          : Number(row[name])
        : degreesIn(row[name].trim()),
    );
    if (numbers.some((one) => !Number.isFinite(one))) return;
    const [x, y, lon, lat] = numbers as [number, number, number, number];
    if (Math.abs(lon) > 180 || Math.abs(lat) > 90) return;
    points.push({ x, y, lon, lat });
    rows.push(n);
  });
  return { points, rows };
}

/** A picture as it is drawn, and the size of its file in pixels. */
export interface Picture {
  canvas: HTMLCanvasElement;
  width: number;
  height: number;
}

/** What is kept of a scan between visits. */
interface Kept {
  name: string;
  width: number;
  height: number;
  typed: Typed[];
}
const NO_SCAN: Kept = { name: "", width: 0, height: 0, typed: [] };

/** The control points of a draft, as the table reads and writes them. */
const pointsOf = (values: Signal<Values>) =>
  memberOf(values, "typed") as unknown as Signal<Typed[]>;

export function Scan({
  pane,
  clicked,
  taking,
}: {
  pane: MapPane | null;
  /** The place on the map that was clicked last. */
  clicked: Signal<Clicked | null>;
  /** Whether clicks on the map are for this. */
  taking: Signal<boolean>;
}) {
  const picture = useSignal<Picture | null>(null);
  // The picture itself is too large to be kept, and is on the machine anyway.
  const draft = useDraft("digitise.scan", NO_SCAN as unknown as Values);
  const kept = draft.values.value as unknown as Kept;
  const typed = useMemo(() => pointsOf(draft.values), [draft.values]);
  const opacity = useSignal(0.6);
  const zoom = useSignal(0.25);
  const { points, rows } = useMemo(() => wholePoints(typed.value), [typed.value]);
  const fit = useMemo(() => fitted(points), [points]);
  useEffect(() => {
    if (!pane || !picture.value || !fit) return;
    return lay(pane, picture.value, fit, opacity.peek());
  }, [pane, picture.value, fit]);
  useEffect(() => {
    if (pane?.map.getLayer(LAYER))
      pane.map.setPaintProperty(LAYER, "raster-opacity", opacity.value);
  }, [opacity.value, fit, picture.value]);
  useEffect(() => {
    const place = clicked.value;
    if (!place || !taking.value) return;
    // The spot that was clicked last is meant: one before it may have been left without a place.
    const n = typed.value.findLastIndex(({ lon }) => lon === "");
    if (n < 0) return;
    const row = typed.value[n] as Typed;
    typed.value = typed.value.with(n, {
      ...row,
      lon: place.lon.toFixed(7),
      lat: place.lat.toFixed(7),
    });
    taking.value = false;
  }, [clicked.value]);
  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      const taken = await pictureOf(file);
      const { width, height, canvas } = taken;
      const { name } = file;
      const before = draft.values.peek() as unknown as Kept;
      // Points are of one picture: those of another say nothing about this one.
      const same = before.name === name && before.width === width && before.height === height;
      batch(() => {
        picture.value = taken;
        zoom.value = Math.min(1, 330 / canvas.width);
        taking.value = false;
        draft.values.value = {
          ...{ name, width, height },
          typed: same ? before.typed : [],
        } as unknown as Values;
      });
    } catch {
      tell(
        t(
          `${file.name} 无法显示。浏览器不能打开 TIFF 和 PDF：请另存为 PNG 或 JPEG 后再选。`,
          `${file.name} cannot be shown. TIFF and PDF cannot be opened here: save it as PNG or JPEG.`,
        ),
        "bad",
      );
    }
  };
  const pixel = (x: number, y: number) => {
    typed.value = [...typed.value, { x: x.toFixed(1), y: y.toFixed(1), lon: "", lat: "" }];
    taking.value = true;
  };
  return (
    <>
      <Field
        label={t("扫描图", "Scanned map")}
        hint={t(
          "PNG 或 JPEG；只在本机打开，不上传",
          "PNG or JPEG; opened on this machine alone, never sent",
        )}
      >
        <input
          type="file"
          accept="image/*"
          onChange={({ currentTarget }) => take(currentTarget.files?.[0])}
        />
      </Field>
      {!picture.value && kept.typed.length > 0 && (
        <div class="notice info" role="status">
          <p>
            {t(
              `已恢复 ${kept.name} 的 ${kept.typed.length} 个控制点。图片未保存：请重新选择这张图。`,
              `The ${kept.typed.length} control points of ${kept.name} are here again. The picture is not kept: choose it once more.`,
            )}
          </p>
          <Button onClick={() => draft.reset()}>{t("放弃", "Throw away")}</Button>
        </div>
      )}
      {picture.value && (
        <>
          <p class="hint" role="status">
            {taking.value
              ? t("现在点击地图上的同一地点。", "Now click the same place on the map.")
              : t(
                  "在图上点一处，再在地图上点同一地点；至少三处，不在一条线上。也可直接键入。",
                  "Click a spot of the picture, then the same place on the map: three or more, not in one line. Or type them.",
                )}
          </p>
          <div class="inline">
            <Button kind="quiet" onClick={() => (zoom.value /= 1.5)}>
              {t("缩小", "Smaller")}
            </Button>
            <Button kind="quiet" onClick={() => (zoom.value *= 1.5)}>
              {t("放大", "Larger")}
            </Button>
          </div>
          <Shown picture={picture.value} zoom={zoom.value} onPixel={pixel} />
          <Points typed={typed} rows={rows} fit={fit} />
          <label class="inline">
            <span>{t("不透明度", "Opacity")}</span>
            <input
              type="range"
              min={0}
              max={1}
              step={0.05}
              value={opacity.value}
              onInput={({ currentTarget }) => {
                opacity.value = Number(currentTarget.value);
              }}
            />
          </label>
        </>
      )}
    </>
  );
}

function Shown({
  picture: { canvas, width },
  zoom,
  onPixel,
}: {
  picture: Picture;
  zoom: number;
  /** Called with a pixel of the file. */
  onPixel: (x: number, y: number) => void;
}) {
  // What is shown may be smaller than the file, in whose pixels points are typed.
  const scale = (zoom * canvas.width) / width;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const shown = document.createElement("canvas");
    shown.width = canvas.width;
    shown.height = canvas.height;
    shown.getContext("2d")?.drawImage(canvas, 0, 0);
    box.current?.replaceChildren(shown);
  }, [canvas]);
  useEffect(() => {
    const shown = box.current?.querySelector("canvas");
    if (shown) shown.style.width = `${canvas.width * zoom}px`;
  }, [canvas, zoom]);
  return (
    <div
      ref={box}
      class="scan"
      tabIndex={0}
      role="img"
      aria-label={t("扫描图", "Scanned map")}
      onKeyDown={({ key, currentTarget: { scrollLeft, scrollTop, clientWidth, clientHeight } }) => {
        // As on the map: the middle of what is in sight.
        if (key !== "Enter") return;
        onPixel((scrollLeft + clientWidth / 2) / scale, (scrollTop + clientHeight / 2) / scale);
      }}
      onClick={({ target, offsetX, offsetY }) => {
        if (target instanceof HTMLCanvasElement) onPixel(offsetX / scale, offsetY / scale);
      }}
    />
  );
}

function Points({
  typed,
  rows,
  fit,
}: {
  typed: Signal<Typed[]>;
  rows: readonly number[];
  fit: Fitted | null;
}) {
  const names = { x: "x", y: "y", lon: t("经度", "Longitude"), lat: t("纬度", "Latitude") };
  const missed = (n: number) => {
    const at = rows.indexOf(n);
    return fit && at >= 0 ? fixed(fit.residuals[at], 1) : "–";
  };
  return (
    <Panel
      title={t("控制点", "Control points")}
      actions={
        <Button
          onClick={() => {
            typed.value = [...typed.value, { x: "", y: "", lon: "", lat: "" }];
          }}
        >
          {t("加一行", "Add a row")}
        </Button>
      }
    >
      <div
        class="table points"
        tabIndex={0}
        role="region"
        aria-label={t("控制点", "Control points")}
      >
        <table>
          <thead>
            <tr>
              <th>#</th>
              <th class="numeric">{t("残差（米）", "Residual, m")}</th>
              {COLUMNS.map((name) => (
                <th key={name}>{names[name]}</th>
              ))}
              <th>{t("删除", "Remove")}</th>
            </tr>
          </thead>
          <tbody>
            {typed.value.map((row, n) => (
              <tr key={n}>
                <td>{n + 1}</td>
                <td class="numeric">{missed(n)}</td>
                {COLUMNS.map((name) => (
                  <td key={name}>
                    <input
                      type="text"
                      inputMode="decimal"
                      aria-label={t(
                        `第 ${n + 1} 点 ${names[name]}`,
                        `Point ${n + 1} ${names[name]}`,
                      )}
                      value={row[name]}
                      onInput={({ currentTarget }) => {
                        typed.value = typed.value.with(n, { ...row, [name]: currentTarget.value });
                      }}
                    />
                  </td>
                ))}
                <td>
                  <Button
                    kind="quiet"
                    aria-label={t(`删除第 ${n + 1} 点`, `Remove point ${n + 1}`)}
                    onClick={() => {
                      typed.value = typed.value.toSpliced(n, 1);
                    }}
                  >
                    ✕
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p role="status">
        {fit
          ? t(`均方根误差 ${fixed(fit.rms, 1)} 米`, `RMS ${fixed(fit.rms, 1)} m`)
          : t(
              `还需要控制点：至少 ${FEWEST_POINTS} 个，不在一条线上`,
              `${FEWEST_POINTS} points or more are needed, not in one line`,
            )}
      </p>
    </Panel>
  );
}

/** A picture as it can be drawn on a map.
 * @throws DOMException where the browser cannot read it. */
export async function pictureOf(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const scale = Math.min(1, MOST_PIXELS / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { canvas, width, height };
}

type Quad = Parameters<CanvasSource["setCoordinates"]>[0];

/** Lay a picture on the map.
 * @returns What takes it away. */
function lay(pane: MapPane, picture: Picture, fit: Fitted, opacity: number): () => void {
  const { map } = pane;
  const { canvas, width, height } = picture;
  const coordinates = cornersOfScan(fit, width, height) as unknown as Quad;
  try {
    map.addSource(LAYER, { type: "canvas", canvas, coordinates, animate: false });
    map.addLayer(
      { id: LAYER, type: "raster", source: LAYER, paint: { "raster-opacity": opacity } },
      "overlay-fill",
    );
  } catch (error) {
    tell(told(error).message, "bad");
  }
  return () => {
    // The map itself may have gone before.
    if (!map.style) return;
    if (map.getLayer(LAYER)) map.removeLayer(LAYER);
    if (map.getSource(LAYER)) map.removeSource(LAYER);
  };
}
