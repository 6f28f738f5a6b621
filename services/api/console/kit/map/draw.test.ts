import { describe, expect, it } from "vitest";
import { Adapter, type Drawable, sketchOn } from "./draw";
import type { MapPane } from "./engine";
import { StillMap } from "./testing";

const ring = (low: number, high: number) => [
  [118 + low, 24 + low],
  [118 + high, 24 + low],
  [118 + high, 24 + high],
  [118 + low, 24 + high],
  [118 + low, 24 + low],
];
const whole: Drawable = { type: "Polygon", coordinates: [ring(0.5, 0.6)] };
const holed: Drawable = { type: "Polygon", coordinates: [ring(0, 0.3), ring(0.1, 0.2)] };

function stillMap() {
  const style = { sources: {}, layers: [] } as never;
  const container = document.createElement("div");
  return new StillMap({ container, bounds: [118, 24, 119, 25], style });
}

function begun(...shapes: Drawable[]) {
  const map = stillMap();
  const sketch = sketchOn({ map } as unknown as MapPane, () => {});
  sketch.replace(shapes);
  return sketch;
}

it.each([
  ["alone", [holed]],
  ["beside another", [holed, whole]],
])("an area with holes %s comes back when a clearing is undone", (_, shapes) => {
  const sketch = begun(...shapes);
  sketch.clear();
  expect(sketch.shapes()).toEqual([]);
  sketch.undo();
  expect(sketch.shapes()).toEqual(shapes);
  sketch.redo();
  expect(sketch.shapes()).toEqual([]);
  sketch.undo();
  expect(sketch.shapes()).toEqual(shapes);
});

describe("shapes that are put in place of others", () => {
  const line = (east: number): Drawable => ({
    type: "LineString",
    coordinates: [
      [118, 24],
      [118 + east, 24.1],
    ],
  });
  it.each<[string, Drawable[], Drawable[]]>([
    ["one for one", [line(0.1)], [line(0.2)]],
    ["several for one", [line(0.1)], [line(0.2), line(0.3), whole]],
    ["one for several", [line(0.1), whole], [line(0.2)]],
    ["none for one", [line(0.1)], []],
    ["an area with holes for one", [line(0.1)], [holed]],
    ["one for an area with holes", [holed, whole], [line(0.2)]],
  ])("are one step, %s", (_, before, after) => {
    const sketch = begun(...before);
    sketch.replace(after);
    expect(sketch.shapes()).toEqual(after);
    sketch.undo();
    expect(sketch.shapes()).toEqual(before);
    sketch.redo();
    expect(sketch.shapes()).toEqual(after);
    sketch.undo();
    sketch.undo();
    expect(sketch.shapes()).toEqual([]);
  });
  it("can be undone through several steps and a clearing, and done again in their order", () => {
    const sketch = begun(line(0.1));
    sketch.replace([line(0.2), holed]);
    sketch.clear();
    sketch.replace([line(0.3)]);
    const stages = [[line(0.3)], [], [holed, line(0.2)], [line(0.1)], []];
    const back = stages.map((_, n) => {
      if (n) sketch.undo();
      return sketch.shapes();
    });
    expect(back).toEqual(stages);
    const again = stages.map((_, n) => {
      if (n) sketch.redo();
      return sketch.shapes();
    });
    expect(again).toEqual(stages.toReversed());
  });
  it("end what could be done again", () => {
    const sketch = begun(line(0.1));
    sketch.replace([line(0.2)]);
    sketch.undo();
    sketch.replace([line(0.3)]);
    sketch.redo();
    expect(sketch.shapes()).toEqual([line(0.3)]);
    sketch.undo();
    expect(sketch.shapes()).toEqual([line(0.1)]);
  });
  it.each([
    ["a line", [line(0.1)]],
    ["an area", [whole]],
    ["an area with holes", [holed]],
    ["several", [holed, line(0.1), whole]],
  ])("end at what was there from the beginning: %s", (_, start) => {
    const told: Drawable[][] = [];
    const pane = { map: stillMap() } as unknown as MapPane;
    const sketch = sketchOn(
      pane,
      (shapes) => told.push(shapes),
      () => [],
      start,
    );
    expect(told).toEqual([start]);
    sketch.undo();
    expect(sketch.shapes()).toEqual(start);
    sketch.clear();
    sketch.undo();
    sketch.undo();
    expect(sketch.shapes()).toEqual(start);
    sketch.redo();
    expect(sketch.shapes()).toEqual([]);
  });
});

it("clicks and keys are kept from a drawing while it is paused", () => {
  const told: string[] = [];
  const adapter = new Adapter({ map: stillMap() as unknown as MapPane["map"] });
  adapter.register({
    onClick: () => told.push("click"),
    onKeyUp: () => told.push("key"),
    onReady() {},
  } as unknown as Parameters<typeof adapter.register>[0]);
  const { onClick, onKeyUp } = (
    adapter as unknown as {
      _currentModeCallbacks: Record<"onClick" | "onKeyUp", (event: object) => void>;
    }
  )._currentModeCallbacks;
  adapter.paused = true;
  onClick({});
  onKeyUp({});
  expect(told).toEqual([]);
  adapter.paused = false;
  onClick({});
  expect(told).toEqual(["click"]);
});
