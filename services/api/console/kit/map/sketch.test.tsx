import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { lang } from "../words";
import type { Drawable, Sketch } from "./draw";
import { placeAt, planeAt } from "./geodesy";
import { cornersOf, measuresOf, SketchTools } from "./sketch";

const square: Drawable = {
  type: "Polygon",
  coordinates: [
    [
      [118, 24],
      [118.01, 24],
      [118.01, 24.01],
      [118, 24.01],
      [118, 24],
    ],
  ],
};

describe("corners of a shape", () => {
  it("leave out the one that closes a ring", () => {
    expect(cornersOf(square)).toHaveLength(4);
  });
  it("are all of a line, the one of a point, none of nothing", () => {
    expect(
      cornersOf({
        type: "LineString",
        coordinates: [
          [118, 24],
          [119, 24],
        ],
      }),
    ).toHaveLength(2);
    expect(cornersOf({ type: "Point", coordinates: [118, 24] })).toEqual([[118, 24]]);
    expect(cornersOf(undefined)).toEqual([]);
  });
});

describe("what shapes measure", () => {
  it("is the area of polygons without their holes", () => {
    const whole = measuresOf([square]).squareMetres;
    const hole = [
      [118.002, 24.002],
      [118.004, 24.002],
      [118.004, 24.004],
      [118.002, 24.004],
      [118.002, 24.002],
    ];
    const holed: Drawable = { ...square, coordinates: [...square.coordinates, hole] };
    expect(whole).toBeGreaterThan(1.1e6);
    expect(measuresOf([holed]).squareMetres).toBeCloseTo(whole * 0.96, -3);
  });
  it("is the length of lines", () => {
    const line: Drawable = {
      type: "LineString",
      coordinates: [
        [118, 24],
        [118, 24.01],
      ],
    };
    expect(measuresOf([line]).metres).toBeCloseTo(1107.6, 0);
  });
});

describe("plane coordinates", () => {
  it.each([
    [117, 118.0894, 24.4798],
    [108, 106.55, 29.56],
    [117, 117, 0],
  ])("by meridian %s are those of %s, %s both ways", (meridian, lon, lat) => {
    const [x, y] = placeAt(meridian, planeAt(meridian, lon, lat));
    expect(x).toBeCloseTo(lon, 9);
    expect(y).toBeCloseTo(lat, 9);
  });
});

describe("the tools", () => {
  const place = document.createElement("div");
  afterEach(() => render(null, place));

  it("draw what is typed, without a map as well", async () => {
    lang.value = "en";
    const shapes = signal<Drawable[]>([]);
    const sketch = signal<Sketch | null>(null);
    await act(() =>
      render(
        <SketchTools sketch={sketch} shapes={shapes} kinds={["linestring"]} pane={null} />,
        place,
      ),
    );
    const text = place.querySelector("textarea") as HTMLTextAreaElement;
    const draw = [...place.querySelectorAll("button")].find(
      ({ textContent }) => textContent === "Draw these",
    ) as HTMLButtonElement;
    const type = (value: string) =>
      act(() => {
        text.value = value;
        text.dispatchEvent(new Event("input", { bubbles: true }));
      });
    await type("118 24\nnonsense");
    expect(place.textContent).toContain("line 2");
    expect(draw.disabled).toBe(true);
    await type("118 24\n118°06′ 24.1");
    await act(() => draw.click());
    expect(shapes.value).toEqual([
      {
        type: "LineString",
        coordinates: [
          [118, 24],
          [118.1, 24.1],
        ],
      },
    ]);
    expect(place.textContent).toContain("km");
  });

  it("keep holes, and corners whose line was not changed, of an area that is typed anew", async () => {
    lang.value = "en";
    const outer = [
      [118.123456789, 24],
      [118.2, 24],
      [118.2, 24.2],
      [118.123456789, 24],
    ];
    const hole = [
      [118.18, 24.05],
      [118.19, 24.05],
      [118.19, 24.06],
      [118.18, 24.05],
    ];
    const shapes = signal<Drawable[]>([square, { type: "Polygon", coordinates: [outer, hole] }]);
    const sketch = signal<Sketch | null>(null);
    await act(() =>
      render(
        <SketchTools sketch={sketch} shapes={shapes} kinds={["polygon"]} pane={null} />,
        place,
      ),
    );
    const text = place.querySelector("textarea") as HTMLTextAreaElement;
    const draw = [...place.querySelectorAll("button")].find(
      ({ textContent }) => textContent === "Draw these",
    ) as HTMLButtonElement;
    await act(() => draw.click());
    expect(shapes.value).toEqual([square, { type: "Polygon", coordinates: [outer, hole] }]);
    await act(() => {
      text.value = text.value.replace("24.2", "24.3");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await act(() => draw.click());
    const moved = outer.map(([lon, lat]) => [lon, lat === 24.2 ? 24.3 : lat]);
    expect(shapes.value).toEqual([square, { type: "Polygon", coordinates: [moved, hole] }]);
  });
});
