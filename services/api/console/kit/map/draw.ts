/** Drawing on a map by mouse or finger: corners snap to those there are, each step can be undone. */

import type { LineString, Point, Polygon, Position } from "geojson";
import {
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawModeUndoRedo,
  TerraDrawPointMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
  TerraDrawSessionUndoRedo,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { moved } from "./bounds";
import type { MapPane } from "./engine";

export type Kind = "polygon" | "linestring" | "point";
export type Drawable = Polygon | LineString | Point;

export interface Sketch {
  /** What one click or drag does: add a shape, or move corners of those there are. */
  mode: (kind: Kind | "select") => void;
  /** What it does now. */
  now: () => Kind | "select";
  /** The finished shapes. */
  shapes: () => Drawable[];
  /** Put these in place of what is drawn. */
  replace: (shapes: readonly Drawable[]) => void;
  undo: () => void;
  redo: () => void;
  clear: () => void;
  /** Let clicks and keys be for something else for a while; what is begun stays. */
  pause: (paused: boolean) => void;
  /** Take all of it away. */
  stop: () => void;
}

/** Positions a corner is pulled to, for borders that are shared to the last digit. */
export type Corners = () => readonly Position[];

const SNAP_PX = 12;
const DECIMALS = 9;
const COLOR = "#c2185b";

/** Begin to draw on a map.
 * @param changed Called with the finished shapes after each change.
 * @param corners What corners are pulled to besides those that are drawn.
 * @param start What is drawn from the beginning. */
export function sketchOn(
  pane: MapPane,
  changed: (shapes: Drawable[]) => void,
  corners: Corners = () => [],
  start: readonly Drawable[] = [],
): Sketch {
  const snapping = {
    toCoordinate: true,
    toLine: true,
    toCustom: (event: { lng: number; lat: number }) => nearestOf(pane, event, corners()),
  };
  const styles = {
    fillColor: COLOR,
    outlineColor: COLOR,
    fillOpacity: 0.2,
    outlineWidth: 2.5,
  } as const;
  const movable = {
    feature: {
      draggable: false,
      coordinates: { draggable: true, deletable: true, midpoints: true, snappable: snapping },
    },
  };
  const adapter = new Adapter({ map: pane.map, coordinatePrecision: DECIMALS });
  const session = new TerraDrawSessionUndoRedo();
  const draw = new TerraDraw({
    adapter,
    modes: [
      new TerraDrawPolygonMode({ snapping, styles, showCoordinatePoints: true }),
      new TerraDrawLineStringMode({
        snapping,
        styles: { lineStringColor: COLOR, lineStringWidth: 3 },
      }),
      new TerraDrawPointMode({ styles: { pointColor: COLOR, pointWidth: 6 } }),
      new TerraDrawSelectMode({
        flags: { polygon: movable, linestring: movable, point: { feature: { draggable: true } } },
      }),
    ],
    undoRedo: {
      modeLevel: new TerraDrawModeUndoRedo(),
      sessionLevel: session,
    },
  });
  draw.start();
  // Marks of corners have the mode of their shape, and another type.
  const drawn = () =>
    draw
      .getSnapshot()
      .filter(({ geometry, properties }) => {
        const kind = MODE_OF[geometry.type as Drawable["type"]];
        return properties.mode === kind && !properties.currentlyDrawing;
      })
      .map(({ geometry }) => geometry as Drawable);
  // What cannot be drawn is not lost: it stays as it was given.
  let kept: Drawable[] = [];
  const shapes = () => [...kept, ...drawn()];
  const tell = () => changed(shapes());
  // To put other shapes in place is several steps of terra-draw, or none of those it does not know.
  const leaps: Leap[] = [];
  const undone: Leap[] = [];
  const here = (): Stage => ({ kept, steps: session.undoSize() });
  const drawing = () => draw.getModeState() === "drawing";
  const leap = (deed: () => void) => {
    const from = here();
    deed();
    leaps.push({ from, to: here() });
    undone.length = 0;
    tell();
  };
  const put = (given: readonly Drawable[]) => {
    draw.clear();
    const fit = given.map(rounded);
    const added = draw.addFeatures(
      fit.map((geometry) => ({
        type: "Feature" as const,
        geometry,
        properties: { mode: MODE_OF[geometry.type] },
      })),
    );
    kept = fit.filter((_, n) => !added[n]?.valid);
  };
  draw.on("finish", () => {
    undone.length = 0;
    tell();
  });
  if (start.length) {
    put(start);
    tell();
  }
  // What was there before is no step that can be undone.
  const first = session.undoSize();
  return {
    mode: (kind) => draw.setMode(kind),
    now: () => draw.getMode() as Kind | "select",
    shapes,
    replace: (given) => leap(() => put(given)),
    undo: () => {
      const last = drawing() ? undefined : leaps.at(-1);
      if (last && session.undoSize() <= last.to.steps) {
        for (let n = last.to.steps; n > last.from.steps; n--) draw.undo();
        kept = last.from.kept;
        leaps.pop();
        undone.push(last);
      } else if (drawing() || session.undoSize() > first) draw.undo();
      tell();
    },
    redo: () => {
      const last = drawing() ? undefined : undone.at(-1);
      if (last && session.undoSize() >= last.from.steps) {
        for (let n = last.from.steps; n < last.to.steps; n++) draw.redo();
        kept = last.to.kept;
        undone.pop();
        leaps.push(last);
      } else draw.redo();
      tell();
    },
    clear: () =>
      leap(() => {
        draw.clear();
        kept = [];
      }),
    pause: (paused) => {
      adapter.paused = paused;
    },
    stop: () => draw.stop(),
  };
}

/** What is drawn besides the shapes of terra-draw, and how many steps of those can be undone. */
interface Stage {
  kept: Drawable[];
  steps: number;
}

/** What is undone and done again at once. */
interface Leap {
  from: Stage;
  to: Stage;
}

/** Keeps clicks and keys from the drawing while it is paused: another mode would drop what is begun.
 */
export class Adapter extends TerraDrawMapLibreGLAdapter<MapPane["map"]> {
  paused = false;

  override register(
    callbacks: Parameters<TerraDrawMapLibreGLAdapter<MapPane["map"]>["register"]>[0],
  ): void {
    super.register({
      ...callbacks,
      onClick: (event) => {
        if (!this.paused) callbacks.onClick(event);
      },
      onKeyUp: (event) => {
        if (!this.paused) callbacks.onKeyUp(event);
      },
    });
  }
}

const MODE_OF = { Polygon: "polygon", LineString: "linestring", Point: "point" } as const;

/** The shape with as many digits as drawing takes. */
const rounded = (shape: Drawable) =>
  moved(shape, (at) => at.map((part) => Number(part.toFixed(DECIMALS)))) as Drawable;

/** The corner within reach of the pointer, if there is one. */
function nearestOf(
  pane: MapPane,
  { lng, lat }: { lng: number; lat: number },
  corners: readonly Position[],
): Position | undefined {
  const here = pane.map.project([lng, lat]);
  let nearest: Position | undefined;
  let least = SNAP_PX;
  for (const corner of corners) {
    const there = pane.map.project([corner[0] ?? 0, corner[1] ?? 0]);
    const away = Math.hypot(there.x - here.x, there.y - here.y);
    if (away < least) [nearest, least] = [corner, away];
  }
  return nearest;
}
