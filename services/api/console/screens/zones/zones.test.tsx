import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import type { Feature } from "../../kit/features";
import { account } from "../../kit/session";
import { lang } from "../../kit/words";
import { AreaChart } from "./chart";
import { isOlder } from "./differences";
import { zoneTitle } from "./editing";
import { flat, mapOf, typeOf } from "./patterns";
import {
  byClass,
  drawnZones,
  GREY,
  keyOfScheme,
  originOf,
  type Scheme,
  stateOf,
  stepsFrom,
  type Zone,
} from "./schemes";
import { outlines, titled } from "./zones";

const zone = (code: string, of: string, order: number, km2: number | null): Zone => ({
  type: "Feature",
  id: code,
  geometry: km2 === null ? null : { type: "Point", coordinates: [118, 24] },
  properties: {
    code,
    class: of,
    class_value: order,
    class_name_zh: `类${of}`,
    class_name_en: `Class ${of}`,
    color: of === "b" ? "#ff0000" : null,
    area_km2: km2,
    name_zh: `区${code}`,
    name_en: `Zone ${code}`,
    requirement_zh: "要求",
    requirement_en: "requirement",
    zone_class: `kind.${of}`,
  },
});
const ZONES = [zone("3", "b", 2, 30), zone("1", "a", 1, 50), zone("2", "a", 1, 20)];

const scheme = (code: string, version: number, status = "draft"): Scheme => ({
  type: "Feature",
  id: code,
  geometry: null,
  properties: {
    code,
    name_zh: "方案",
    name_en: "Scheme",
    version,
    status,
    kind: "supply_demand",
    origin: "drawn",
    job: null,
    region: "xiamen",
    valid_from: null,
    valid_to: null,
    gap_reason: null,
  },
});

beforeEach(() => {
  lang.value = "en";
});

describe("areas by class", () => {
  it("are summed in the order of the classes, with shares", () => {
    expect(byClass(ZONES).map(({ code, km2, share }) => [code, km2, share])).toEqual([
      ["a", 70, 0.7],
      ["b", 30, 0.3],
    ]);
  });
  it("are unknown where nobody has drawn the zones", () => {
    const [sum] = byClass([zone("1", "a", 1, null)]);
    expect([sum?.km2, sum?.share]).toEqual([null, null]);
  });
});

describe("zones on the map", () => {
  it("stand out by themselves or by their class", () => {
    const opacities = (chosen: string[]) =>
      drawnZones(ZONES, new Set(chosen)).features.map(({ properties }) => properties?.opacity);
    expect(opacities([])).toEqual([0.55, 0.55, 0.55]);
    expect(opacities(["a"])).toEqual([0.18, 0.9, 0.9]);
    expect(opacities(["2"])).toEqual([0.18, 0.18, 0.9]);
  });
  it("have the colour of their class, grey without one; what is not drawn is left out", () => {
    const { features } = drawnZones([...ZONES, zone("4", "a", 1, null)], new Set());
    expect(features.map(({ properties }) => properties?.color)).toEqual(["#ff0000", GREY, GREY]);
  });
  it("are outlines over what shows doubt", () => {
    const { features } = outlines(drawnZones(ZONES, new Set()));
    expect(features.every(({ properties }) => properties?.opacity === 0)).toBe(true);
  });
});

describe("the steps of a version", () => {
  afterEach(() => {
    account.value = null;
  });
  const holding = (
    roles: Schema<"RoleHeld">[],
    scopes: Schema<"Scope">[] = ["write"],
    key = false,
  ) => {
    account.value = { need: null, scopes, roles, key } as never;
  };
  const to = (status: string) => stepsFrom(scheme("x", 1, status)).map((step) => step.to);
  const here = (role: Schema<"Role">) => holding([{ role, region: "xiamen" }]);

  it("are for those who may take them", () => {
    here("planner");
    expect([to("draft"), to("review"), to("approved")]).toEqual([["review"], ["draft"], ["draft"]]);
    here("analyst");
    expect([to("draft"), to("review")]).toEqual([["review"], []]);
    here("approver");
    expect([to("draft"), to("review"), to("approved")]).toEqual([
      [],
      ["approved", "draft"],
      ["published", "draft"],
    ]);
    expect([to("published"), to("superseded")]).toEqual([[], []]);
  });
  it("are not for those of another region, nor of one below", () => {
    holding([{ role: "approver", region: "banan" }]);
    expect(to("review")).toEqual([]);
    holding([{ role: "approver", region: "xiamen.siming" }]);
    expect(to("review")).toEqual([]);
    holding([{ role: "approver", region: null }]);
    expect(to("review")).toEqual(["approved", "draft"]);
  });
  it("are for administrators, and keys that are bound by no role", () => {
    holding([{ role: "admin", region: null }], ["admin"]);
    expect(to("approved")).toEqual(["published", "draft"]);
    holding([], ["write"], true);
    expect(to("draft")).toEqual(["review"]);
    holding([], ["write"]);
    expect(to("draft")).toEqual([]);
  });
  it("and states have words in both languages", () => {
    expect(stateOf("published").word).toBe("in force");
    expect(originOf("computed")).toBe("computed");
    lang.value = "zh";
    expect(stateOf("published").word).toBe("现行");
    expect(originOf("computed")).toBe("计算");
    here("planner");
    expect(stepsFrom(scheme("x", 1)).map(({ label }) => label)).toEqual(["提交审查"]);
  });
});

describe("versions", () => {
  it("are told apart by code and number", () => {
    expect(keyOfScheme(scheme("x", 2))).toBe("x@2");
    expect(titled(scheme("x", 2))).toBe("Scheme · version 2 · draft");
    expect(zoneTitle(ZONES[0] as Zone)).toContain("Zone 3");
  });
  it("are compared from the older on, schemes as they were chosen", () => {
    expect(isOlder(scheme("x", 1), scheme("x", 2))).toBe(true);
    expect(isOlder(scheme("x", 2), scheme("x", 1))).toBe(false);
    expect(isOlder(scheme("x", 1), scheme("y", 2))).toBe(false);
  });
});

describe("the chart", () => {
  const place = document.createElement("div");
  afterEach(() => render(null, place));
  const show = (chosen: string[], onChoose: (code: string | null) => void) =>
    act(() =>
      render(
        <AreaChart sums={byClass(ZONES)} chosen={new Set(chosen)} onChoose={onChoose} />,
        place,
      ),
    );
  it("chooses a class by its bar, and lets it go by the same", async () => {
    const told: (string | null)[] = [];
    await show([], (code) => told.push(code));
    await act(() => place.querySelectorAll("button")[1]?.click());
    await show(["b"], (code) => told.push(code));
    await act(() => place.querySelectorAll("button")[1]?.click());
    expect(told).toEqual(["b", null]);
  });
  it("shows the class of a zone that was chosen on the map", async () => {
    await show(["1"], () => {});
    const pressed = [...place.querySelectorAll("button")].map((one) =>
      one.getAttribute("aria-pressed"),
    );
    expect(pressed).toEqual(["true", "false"]);
    expect(place.textContent).toContain("70.00 km² · 70.0%");
  });
});

describe("patterns", () => {
  type Component = Schema<"ComponentNode">;
  const node = (code: string, type: string, children: Component[] = []) =>
    ({ code, type, name_zh: code, name_en: code, children }) as Component;
  const TREE = [node("hills", "hill", [node("river", "river_axis")]), node("bay", "bay")];
  it("have their components in order, those below others as well", () => {
    expect(flat(TREE).map(({ code }) => code)).toEqual(["hills", "river", "bay"]);
  });
  it("are on the map as far as they are drawn, a colour for each kind", () => {
    const drawn: Feature = {
      type: "Feature",
      id: "bay",
      geometry: { type: "Point", coordinates: [118, 24] },
      properties: {},
    };
    const { features } = mapOf(TREE, new Map([["bay", drawn]]), "bay");
    expect(features.map(({ properties }) => [properties?.label, properties?.width])).toEqual([
      ["bay", 5],
    ]);
  });
  it("never show a code to people who read Chinese", () => {
    lang.value = "zh";
    expect(typeOf("river_belt")).toBe("河流带");
    expect(typeOf("some_new_type")).toBe("其他");
  });
});
