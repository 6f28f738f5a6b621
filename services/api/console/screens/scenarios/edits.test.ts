import { beforeEach, describe, expect, it } from "vitest";
import type { PropertySchema } from "../../kit/features";
import type { Drawable } from "../../kit/map/draw";
import { lang } from "../../kit/words";
import {
  blank,
  colorOf,
  coversOf,
  type Edit,
  fitting,
  inputsOf,
  sizeOf,
  toldOf,
  wordsOf,
} from "./edits";
import { EDITS } from "./testing";

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
const line: Drawable = {
  type: "LineString",
  coordinates: [
    [118, 24],
    [118, 24.01],
  ],
};
const edit: Edit = {
  kind: "restore",
  name_zh: "造林",
  name_en: "Forest",
  cover: "forest",
  geometry: square,
};

beforeEach(() => {
  lang.value = "en";
});

describe("words of edits", () => {
  it("are those of the process's description, whether a choice may be left out or not", () => {
    const words = wordsOf(EDITS);
    expect(words.kinds.map(({ label }) => label)).toContain("Restore nature");
    expect(words.covers.find(({ value }) => value === "built_up")?.label).toBe("Built-up land");
    expect(words.roads.map(({ value }) => value)).toEqual(["main", "minor"]);
  });
  it("are none where the description has no list", () => {
    expect(wordsOf(undefined)).toEqual({ kinds: [], covers: [], roads: [] });
  });
  it("leave out kinds that the screen cannot draw", () => {
    const more: PropertySchema = {
      items: { properties: { kind: { enum: ["restore", "flood"] } } },
    };
    expect(wordsOf(more).kinds.map(({ value }) => value)).toEqual(["restore"]);
  });
  it("tell kind and class, and the number of a resistance", () => {
    const words = wordsOf(EDITS);
    expect(toldOf(words, edit)).toBe("Restore nature: Forest");
    expect(toldOf(words, { kind: "set_resistance", resistance: 40 })).toBe("Set resistance: 40");
    expect(toldOf(words, { kind: "build_barrier" })).toBe("Build a barrier");
    expect(toldOf(words, { kind: "build_road", road: "main" })).toBe("Build a road: Main road");
  });
});

describe("what a kind takes", () => {
  it("is natural cover alone where nature is restored", () => {
    const words = wordsOf(EDITS);
    expect(coversOf(words, "restore").map(({ value }) => value)).toEqual(["forest", "grassland"]);
    expect(coversOf(words, "set_cover").map(({ value }) => value)).toContain("built_up");
  });
  it.each([
    ["restore", [line, square], [square]],
    ["build_road", [line, square, line], [line, line]],
    ["build_barrier", [square, line], [square]],
    ["set_cover", [line], []],
    ["nothing known", [square], []],
  ])("for %s is of one sort among what is drawn", (kind, drawn, taken) => {
    expect(fitting(kind, drawn)).toEqual(taken);
  });
});

describe("an edit", () => {
  it("has the colour of its cover, else of its kind", () => {
    expect(colorOf(edit)).toBe(colorOf({ ...edit, kind: "set_cover" }));
    expect(colorOf(edit)).not.toBe(colorOf({ ...edit, cover: "water" }));
    const { cover: _, ...bare } = edit;
    expect(colorOf({ ...bare, kind: "build_road" })).not.toBe(
      colorOf({ ...bare, kind: "build_barrier" }),
    );
  });
  it("has an area, or a length", () => {
    expect(sizeOf(edit).squareMetres).toBeGreaterThan(1.1e6);
    expect(sizeOf({ ...edit, geometry: line }).metres).toBeCloseTo(1107.6, 0);
    const both = {
      type: "MultiPolygon" as const,
      coordinates: [square.coordinates, square.coordinates],
    };
    expect(sizeOf({ ...edit, geometry: both }).squareMetres).toBeCloseTo(
      2 * sizeOf(edit).squareMetres,
      3,
    );
  });
});

describe("what is sent of a scenario", () => {
  it("is the common ground with its own names and edits", () => {
    const scenario = { ...blank(3), edits: [edit] };
    expect(inputsOf({ region: "xiamen", cell_m: 100 }, scenario)).toEqual({
      region: "xiamen",
      cell_m: 100,
      name_zh: "情景3",
      name_en: "Scenario 3",
      edits: [edit],
    });
  });
  it("has its Chinese name in place of an English one that nobody gave", () =>
    expect(inputsOf({}, { ...blank(3), name_en: " " }).name_en).toBe("情景3"));
});
