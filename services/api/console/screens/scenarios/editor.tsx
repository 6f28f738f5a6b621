/** The land of one scenario: edits drawn or painted on a map, listed, undone and removed. */

import { type Signal, useSignal } from "@preact/signals";
import type { FeatureCollection, Position } from "geojson";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { area, fixed } from "../../kit/format";
import { boundsOf } from "../../kit/map/bounds";
import type { Drawable } from "../../kit/map/draw";
import type { MapPane } from "../../kit/map/engine";
import { type Clicked, MapView } from "../../kit/map/map_view";
import { joined, partsOf } from "../../kit/map/shapes";
import { SketchTools, useSketch } from "../../kit/map/sketch";
import { Button, Empty, Field, NumberInput, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { type Cells, cellsAt, outlineOf, strokeOf } from "./brush";
import {
  colorOf,
  coversOf,
  type Edit,
  fitting,
  KINDS,
  type Scenario,
  sizeOf,
  titleFor,
  toldOf,
  type Words,
} from "./edits";

const WIDTHS = [100, 200, 500, 1000];

/** What is chosen for the next edit; no resistance where none can be read. */
interface Said {
  kind: string;
  cover: string;
  road: string;
  resistance: number | null;
}

export function Editor({
  scenario,
  words,
  onChange,
}: {
  scenario: Scenario;
  words: Words;
  onChange: (edits: Edit[]) => void;
}) {
  const pane = useSignal<MapPane | null>(null);
  const shapes = useSignal<Drawable[]>([]);
  const tool = useSignal<"draw" | "brush">("draw");
  const said = useSignal<Said>({
    kind: "restore",
    cover: "forest",
    road: "main",
    resistance: 100,
  });
  const name = useSignal("");
  const former = useSignal<Edit[][]>([]);
  const { kind } = said.value;
  const { says } = KINDS[kind] ?? { says: null };
  const drawn = fitting(kind, shapes.value);
  const { resistance } = said.value;
  const beyond = says === "resistance" && !(resistance && resistance >= 1 && resistance <= 1000);
  const put = (edits: Edit[]) => {
    former.value = [...former.peek(), scenario.edits];
    onChange(edits);
  };
  const add = () => {
    const geometry = joined(drawn);
    if (!geometry) return;
    const said_here = says ? { [says]: said.value[says] } : {};
    const what = { kind, ...said_here } as Pick<Edit, "kind" | "cover" | "road" | "resistance">;
    const title = name.value.trim() || titleFor(toldOf(words, what), scenario.edits);
    put([...scenario.edits, { ...what, name_zh: title, name_en: title, geometry }]);
    name.value = "";
    shapes.value = [];
  };
  const features = useMemo(() => featuresOf(scenario.edits), [scenario.edits]);
  const click = useRef<((at: Clicked) => void) | null>(null);
  return (
    <div class="land">
      <div class="land-form">
        <div class="inline">
          <Field label={t("做什么", "What happens")}>
            <Select
              choices={words.kinds}
              value={kind}
              onChoose={(to) => {
                const covers = coversOf(words, to).map(({ value }) => value);
                const { cover } = said.value;
                said.value = {
                  ...said.value,
                  kind: to,
                  cover: covers.includes(cover) ? cover : (covers[0] ?? cover),
                };
                if (!KINDS[to]?.shapes.includes("polygon")) tool.value = "draw";
              }}
            />
          </Field>
          {says === "cover" && (
            <Field label={t("变为", "Becomes")}>
              <Select
                choices={coversOf(words, kind)}
                value={said.value.cover}
                onChoose={(cover) => {
                  said.value = { ...said.value, cover };
                }}
              />
            </Field>
          )}
          {says === "road" && (
            <Field label={t("道路类别", "Kind of road")}>
              <Select
                choices={words.roads}
                value={said.value.road}
                onChoose={(road) => {
                  said.value = { ...said.value, road };
                }}
              />
            </Field>
          )}
          {says === "resistance" && (
            <Field
              label={t("阻力值", "Resistance")}
              hint="1 – 1000"
              wrong={beyond ? t("须在 1 到 1000 之间", "must lie between 1 and 1000") : undefined}
            >
              <NumberInput
                min={1}
                max={1000}
                step="any"
                value={resistance}
                onNumber={(resistance) => {
                  said.value = { ...said.value, resistance };
                }}
              />
            </Field>
          )}
          <Field label={t("名称（可不填）", "Name (may be empty)")}>
            <input
              type="text"
              maxLength={100}
              value={name.value}
              onInput={({ currentTarget }) => {
                name.value = currentTarget.value;
              }}
            />
          </Field>
        </div>
        <fieldset class="checks">
          <legend>{t("怎样画", "How it is drawn")}</legend>
          {(["draw", "brush"] as const).map((one) => (
            <label key={one} class="check">
              <input
                type="radio"
                name="tool"
                checked={tool.value === one}
                onChange={() => {
                  tool.value = one;
                  shapes.value = [];
                }}
              />
              {one === "draw" ? t("图形", "Shapes") : t("画笔", "Brush")}
            </label>
          ))}
        </fieldset>
        {tool.value === "draw" ? (
          <Shapes key={kind} pane={pane} shapes={shapes} kind={kind} />
        ) : (
          <Brush pane={pane} shapes={shapes} click={click} />
        )}
        <Button disabled={!drawn.length || beyond} onClick={add}>
          {t("加入这处编辑", "Add this edit")}
        </Button>
        <Listed
          edits={scenario.edits}
          words={words}
          onRemove={(n) => put(scenario.edits.filter((_, at) => at !== n))}
          onShow={(edit) => {
            const bounds = boundsOf(edit.geometry);
            if (bounds) pane.value?.fit(bounds);
          }}
        />
        <Button
          disabled={!former.value.length}
          onClick={() => {
            const last = former.value.at(-1);
            former.value = former.value.slice(0, -1);
            if (last) onChange(last);
          }}
        >
          {t("撤销上一步编辑", "Undo the last change of the list")}
        </Button>
      </div>
      <MapView
        label={t("情景的土地", "Land of the scenario")}
        layers={LAND}
        features={tool.value === "brush" ? withPainted(features, shapes.value) : features}
        onClick={(at) => click.current?.(at)}
        onPane={(made) => {
          pane.value = made;
        }}
      />
    </div>
  );
}

const LAND: readonly [] = [];

function featuresOf(edits: readonly Edit[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: edits.map((edit, n) => ({
      type: "Feature",
      geometry: edit.geometry,
      properties: { color: colorOf(edit), label: `${n + 1} ${called(edit)}`, opacity: 0.45 },
    })),
  };
}

function withPainted(known: FeatureCollection, painted: readonly Drawable[]): FeatureCollection {
  const more = painted.map((geometry) => ({ type: "Feature" as const, geometry, properties: {} }));
  return { ...known, features: [...known.features, ...more] };
}

function Shapes({
  pane,
  shapes,
  kind,
}: {
  pane: Signal<MapPane | null>;
  shapes: Signal<Drawable[]>;
  kind: string;
}) {
  const kinds = KINDS[kind]?.shapes ?? ["polygon"];
  const sketch = useSketch(pane.value, shapes, kinds[0] ?? "polygon");
  useEffect(() => {
    // What was added to the list is no longer drawn.
    if (!shapes.value.length && sketch.value?.shapes().length) sketch.value.clear();
  }, [shapes.value]);
  return <SketchTools sketch={sketch} shapes={shapes} kinds={kinds} pane={pane.value} />;
}

interface Pointed {
  lngLat: { lng: number; lat: number };
  originalEvent?: object;
}

/** Whether a mouse moves without any button; of a finger there is nothing to ask. */
const isLetGo = ({ originalEvent }: Pointed) =>
  originalEvent !== undefined && "buttons" in originalEvent && originalEvent.buttons === 0;

interface Painting {
  cells: Cells;
  painted: Set<string>[];
}

/** Cells painted by dragging, or one by one by Enter at the middle of the map. */
function Brush({
  pane,
  shapes,
  click,
}: {
  pane: Signal<MapPane | null>;
  shapes: Signal<Drawable[]>;
  click: { current: ((at: Clicked) => void) | null };
}) {
  const width = useSignal(WIDTHS[1] as number);
  const erases = useSignal(false);
  const painting = useRef<Painting | null>(null);
  const show = () => {
    const held = painting.current;
    const now = held?.painted.at(-1);
    shapes.value = held && now ? partsOf(outlineOf(held.cells, now)) : [];
  };
  const begin = (lat: number): Painting => {
    // Added to the list, or erased: this stroke begins anew.
    if (!shapes.peek().length) painting.current = null;
    painting.current ??= { cells: cellsAt(lat, width.peek()), painted: [] };
    painting.current.painted.push(new Set(painting.current.painted.at(-1)));
    return painting.current;
  };
  const pass = (from: Position, to: Position) => {
    const held = painting.current;
    const now = held?.painted.at(-1);
    if (!held || !now) return;
    for (const cell of strokeOf(held.cells, from, to)) {
      if (erases.peek()) now.delete(cell);
      else now.add(cell);
    }
    show();
  };
  useEffect(() => {
    if (!shapes.value.length) erases.value = false;
  }, [shapes.value]);
  click.current = ({ lon, lat }) => {
    begin(lat);
    pass([lon, lat], [lon, lat]);
  };
  useEffect(
    () => () => {
      click.current = null;
    },
    [],
  );
  useEffect(() => {
    const map = pane.value?.map;
    if (!map) return;
    let last: Position | null = null;
    const at = ({ lngLat }: Pointed): Position => [lngLat.lng, lngLat.lat];
    let begun = false;
    const start = (event: Pointed) => {
      last = at(event);
      begun = false;
    };
    const move = (event: Pointed) => {
      // A button that was let go beside the map tells the map nothing.
      if (isLetGo(event)) last = null;
      if (!last) return;
      if (!begun) begin(last[1] ?? 0);
      begun = true;
      const here = at(event);
      pass(last, here);
      last = here;
    };
    const end = () => {
      last = null;
    };
    const hears = [
      ["mousedown", start],
      ["mousemove", move],
      ["mouseup", end],
      ["touchstart", start],
      ["touchmove", move],
      ["touchend", end],
    ] as const;
    map.dragPan.disable();
    for (const [event, heard] of hears) map.on(event, heard);
    return () => {
      map.dragPan.enable();
      for (const [event, heard] of hears) map.off(event, heard);
    };
  }, [pane.value]);
  return (
    <>
      <div class="inline">
        <Field label={t("画笔宽度", "Width of the brush")}>
          <Select
            choices={WIDTHS.map((metres) => ({ value: String(metres), label: `${metres} m` }))}
            value={String(width.value)}
            disabled={shapes.value.length > 0}
            onChoose={(metres) => {
              width.value = Number(metres);
            }}
          />
        </Field>
        <div class="actions">
          <Button
            aria-pressed={erases.value}
            disabled={!shapes.value.length}
            onClick={() => {
              erases.value = !erases.value;
            }}
          >
            {t("擦除", "Erase")}
          </Button>
          <Button
            disabled={!shapes.value.length}
            onClick={() => {
              painting.current?.painted.pop();
              show();
            }}
          >
            {t("撤销一笔", "Undo a stroke")}
          </Button>
        </div>
      </div>
      <p class="hint">
        {t(
          "在图上拖动涂抹；用键盘时移动地图，按回车涂中央一格。",
          "Drag over the map; by keyboard move the map and press Enter to paint the cell in its middle.",
        )}
      </p>
    </>
  );
}

function Listed({
  edits,
  words,
  onRemove,
  onShow,
}: {
  edits: readonly Edit[];
  words: Words;
  onRemove: (n: number) => void;
  onShow: (edit: Edit) => void;
}) {
  if (!edits.length)
    return <Empty>{t("还没有编辑：画出一处后加入。", "No edits yet: draw one and add it.")}</Empty>;
  return (
    <ol class="edits" aria-label={t("编辑", "Edits")}>
      {edits.map((edit, n) => {
        const { metres, squareMetres } = sizeOf(edit);
        const size = squareMetres
          ? area(squareMetres).ha
          : metres
            ? `${fixed(metres / 1000, 2)} km`
            : "";
        return (
          <li key={n}>
            <span class="swatch" style={{ background: colorOf(edit) }} aria-hidden="true" />
            <button type="button" class="link" onClick={() => onShow(edit)}>
              {called(edit)}
            </button>
            <small>{[toldOf(words, edit), size].filter(Boolean).join(" · ")}</small>
            <Button
              kind="quiet"
              aria-label={t(`移除 ${called(edit)}`, `Remove ${called(edit)}`)}
              onClick={() => onRemove(n)}
            >
              ✕
            </Button>
          </li>
        );
      })}
    </ol>
  );
}
