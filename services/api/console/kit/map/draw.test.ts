import { expect, it } from "vitest";
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
