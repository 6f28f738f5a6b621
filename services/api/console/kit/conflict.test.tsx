import type { Geometry } from "geojson";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
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
import type { Feature } from "./features";
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
  it("count the corners of a shape", () => {
    const line: Geometry = {
      type: "LineString",
      coordinates: [
        [118, 24],
        [119, 25],
      ],
    };
    expect(shownShape(line)).toBe("2 corners");
  });
});

describe("the dialog", () => {
  const place = document.createElement("div");
  beforeAll(() => {
    document.body.append(place);
    lang.value = "en";
  });
  afterEach(() => render(null, place));

  it("sends mine, but for what is left to them", async () => {
    let sent: Change | null = null;
    await act(() =>
      render(
        <Conflict
          base={base}
          mine={mine}
          theirs={theirs}
          members={{ name_en: { title: "English name" } }}
          onSend={(change) => {
            sent = change;
          }}
          onClose={() => {}}
        />,
        place,
      ),
    );
    expect(place.textContent).toContain("Theirs");
    expect(place.textContent).toContain("Mine");
    const theirsOfName = place.querySelector<HTMLInputElement>(
      'input[aria-label="English name: theirs"]',
    );
    await act(() => theirsOfName?.click());
    const again = [...place.querySelectorAll("button")].find(({ textContent }) =>
      textContent?.includes("Send again"),
    );
    await act(() => again?.click());
    expect(sent).toEqual({
      properties: { name_zh: "新", width_m: null },
      geometry: point(118.1),
    });
  });
});
