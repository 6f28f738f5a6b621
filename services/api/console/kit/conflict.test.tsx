import type { Geometry } from "geojson";
import { describe, expect, it, vi } from "vitest";
import {
  type Change,
  Conflict,
  changedMembers,
  differences,
  GEOMETRY,
  resolved,
  shownShape,
  shownValue,
} from "./conflict";
import type { Feature, PropertySchema } from "./features";
import { open, screen, within } from "./testing";
import { lang } from "./words";

const point = (lon: number): Geometry => ({ type: "Point", coordinates: [lon, 24.5] });
const feature = (properties: object, geometry: Geometry | null = null): Feature => ({
  type: "Feature",
  id: "zone",
  geometry,
  properties: { ...properties },
});

const base = feature({ name_en: "Old", name_zh: "旧", width_m: 30 }, point(118));
const theirs = feature({ name_en: "Theirs", name_zh: "旧", width_m: 30 }, point(118.2));
const mine: Change = {
  properties: { name_en: "Mine", name_zh: "新", width_m: null },
  geometry: point(118.1),
};

describe("differences between theirs and mine", () => {
  it("names what both have changed, and what only I have", () => {
    expect(differences(base, mine, theirs).map(({ name, both }) => [name, both])).toEqual([
      ["name_en", true],
      ["name_zh", false],
      ["width_m", false],
      [GEOMETRY, true],
    ]);
  });
  it("leaves out what both have changed to the same", () => {
    const agreed = { properties: { name_en: "Theirs" } };
    expect(differences(base, agreed, theirs)).toEqual([]);
  });
  it("says nothing of a geometry that I have not touched", () => {
    const words = { properties: { name_zh: "新" } };
    expect(differences(base, words, theirs).map(({ name }) => name)).toEqual(["name_zh"]);
  });
  it("shows what I would take away", () => {
    const [width] = differences(base, { properties: { width_m: null } }, theirs);
    expect(width).toMatchObject({ name: "width_m", mine: null, theirs: 30 });
  });
});

describe("what is sent again", () => {
  it("is all of mine where nothing is left to them", () => {
    expect(resolved(mine, new Set())).toEqual(mine);
  });
  it("leaves out the members that stay theirs", () => {
    expect(resolved(mine, new Set(["name_en", GEOMETRY]))).toEqual({
      properties: { name_zh: "新", width_m: null },
    });
  });
});

describe("members of a form that were changed", () => {
  it("are those that differ, with null for what was taken away", () => {
    expect(changedMembers({ a: 1, b: "x", c: ["y"] }, { a: 2, c: ["y"], d: true })).toEqual({
      a: 2,
      b: null,
      d: true,
    });
  });
  it("are none where the form is as it was read", () => {
    expect(changedMembers({ a: [1, 2] }, { a: [1, 2] })).toEqual({});
  });
});

describe("what one of two has not seen", () => {
  it("is a member that they have taken away", () => {
    const [name] = differences(base, { properties: { name_en: "Mine" } }, feature({}));
    expect(name).toMatchObject({ theirs: undefined, mine: "Mine", both: true });
  });
  it("is a shape that I take away", () => {
    const gone: Change = { properties: {}, geometry: null };
    expect(differences(base, gone, base)).toEqual([
      { name: GEOMETRY, mine: null, theirs: point(118), both: false },
    ]);
  });
  it("is nothing where I end as I began", () => {
    const back: Change = { properties: { name_zh: "旧" }, geometry: point(118) };
    expect(differences(base, back, base)).toEqual([]);
  });
  it("is their change alone where I end as I began", () => {
    const back: Change = { properties: { name_en: "Old" } };
    expect(differences(base, back, theirs)).toMatchObject([{ mine: "Old", theirs: "Theirs" }]);
  });
  it("is no difference between what is empty and what is not there", () =>
    expect(differences(feature({}), { properties: { note: null } }, feature({}))).toEqual([]));
});

describe("values as people read them", () => {
  it("are words where the schema has some", () => {
    const schema = { enum: ["river"], "x-enum-titles": { river: "River" } };
    expect(shownValue("river", schema)).toBe("River");
  });
  it("say that nothing is there", () => {
    lang.value = "en";
    expect(shownValue(null, undefined)).toBe("(empty)");
    expect(shownShape(null)).toBe("(not drawn)");
  });
  it("are joined where they are several", () => {
    expect(shownValue(["a", "b"], undefined)).toBe("a、b");
  });
  it("are rows with a line for each member that says something", () => {
    lang.value = "en";
    const items = {
      properties: { kind: { title: "Shows", enum: ["map"], "x-enum-titles": { map: "Maps" } } },
    };
    const rows = [{ kind: "map", heading_zh: "图", heading_en: "" }, { kind: "map" }];
    expect(shownValue(rows, { type: "array", items })).toBe(
      "Shows: Maps\nheading_zh: 图\n\nShows: Maps",
    );
  });
  it("count the corners of a shape", () => {
    const line: Geometry = {
      type: "LineString",
      coordinates: [
        [118, 24],
        [119, 25],
      ],
    };
    expect(shownShape(line)).toBe("2 corners");
    const ring = [...line.coordinates, [119, 24], [118, 24]];
    expect(shownShape({ type: "Polygon", coordinates: [ring] })).toBe("3 corners");
    const pair = { type: "MultiPolygon", coordinates: [[ring, ring], [ring]] };
    expect(shownShape(pair)).toBe("9 corners");
  });
});

describe("the dialog", () => {
  const members: Record<string, PropertySchema> = {
    name_en: { title: "English name" },
    width_m: { title: "Width", type: "number" },
    kind: { title: "Kind", enum: ["r", "g"], "x-enum-titles": { r: "River", g: "Green" } },
  };
  const shown = (over: Partial<Parameters<typeof Conflict>[0]> = {}, words: "zh" | "en" = "en") => {
    const sent: Change[] = [];
    const closed = vi.fn();
    const hands = open(
      <Conflict
        {...{ base, mine, theirs, members }}
        onSend={(change) => sent.push(change)}
        onClose={closed}
        {...over}
      />,
      { lang: words },
    );
    return { hands, sent, closed };
  };
  const row = (name: RegExp) => {
    const head = screen.getByRole("rowheader", { name });
    return within(head.closest("tr") as HTMLElement);
  };
  const again = () => screen.getByRole("button", { name: "Send again as chosen" });

  it("sends mine, but for what is left to them", async () => {
    const { hands, sent } = shown();
    await hands.click(screen.getByRole("radio", { name: "English name: theirs" }));
    await hands.click(again());
    expect(sent).toEqual([
      { properties: { name_zh: "新", width_m: null }, geometry: point(118.1) },
    ]);
  });
  it("sends all of mine at first, and again after a change of mind", async () => {
    const { hands, sent } = shown();
    await hands.click(again());
    await hands.click(screen.getByRole("radio", { name: "Geometry: theirs" }));
    await hands.click(screen.getByRole("radio", { name: "Geometry: mine" }));
    await hands.click(again());
    expect(sent).toEqual([mine, mine]);
  });
  it("leaves all to them by keyboard", async () => {
    const { hands, sent } = shown({ mine: { properties: { name_en: "Mine" } } });
    screen.getByRole("radio", { name: "English name: mine" }).focus();
    await hands.keyboard("{ArrowLeft}");
    await hands.click(again());
    expect(sent).toEqual([{ properties: {} }]);
  });
  it("shows both sides in words, figures to their last digit", () => {
    shown({
      base: feature({ kind: "r", width_m: 30, year: 2024, open: true }),
      mine: { properties: { kind: "g", width_m: 0.1234567891, year: 2025, open: false } },
      theirs: feature({ kind: "r", width_m: 0.1234567892, year: 2024, open: true }),
    });
    const told = (name: RegExp) =>
      row(name)
        .getAllByRole("cell")
        .map(({ textContent }) => textContent);
    expect(told(/Kind/)).toEqual(["River", "Green"]);
    expect(told(/Width/)).toEqual(["0.1234567892", "0.1234567891"]);
    expect(told(/year/)).toEqual(["2024", "2025"]);
    expect(told(/open/)).toEqual(["yes", "no"]);
  });
  it("tells which members only I have changed", () => {
    shown({}, "zh");
    expect(row(/name_zh/).getByText("（仅我修改）")).toBeTruthy();
    expect(row(/English name/).queryByText("（仅我修改）")).toBeNull();
    expect(row(/图形/).getAllByText("1 个顶点")).toHaveLength(2);
  });
  it("shows their shape on the map, where there is a map", async () => {
    const onShow = vi.fn();
    const { hands, sent } = shown({ onShow });
    await hands.click(screen.getByRole("button", { name: "Show theirs on the map" }));
    expect(onShow).toHaveBeenCalledTimes(1);
    expect(sent).toEqual([]);
  });
  it("offers no map where there is none", () => {
    shown();
    expect(screen.queryByRole("button", { name: /map/ })).toBeNull();
  });
  it("goes back to the form and sends nothing", async () => {
    const { hands, sent, closed } = shown();
    await hands.click(screen.getByRole("button", { name: "Back to editing" }));
    expect(closed).toHaveBeenCalledTimes(1);
    expect(sent).toEqual([]);
  });
});
