import { describe, expect, it } from "vitest";
import { classesOf, credited, filterOf, type Layer, type LegendEntry } from "./layers";

const entry = (code: string | null, ...values: string[]): LegendEntry => ({
  value: null,
  code,
  values,
  color: "#000000",
  label_zh: code ?? "",
  label_en: code ?? "",
});
const layer = (more: Partial<Layer> = {}, ...entries: LegendEntry[]): Layer => ({
  id: "projects",
  title_zh: "项目",
  title_en: "Projects",
  kind: "vector",
  theme: "",
  bounds: null,
  version: "1",
  attribution: "",
  sources: [],
  legend: {
    title_zh: "项目",
    title_en: "Projects",
    kind: "classes",
    symbol: "area",
    property: "state",
    unit: "",
    unit_zh: "",
    unit_en: "",
    entries,
  },
  ...more,
});
const projects = layer(
  {},
  entry("proposal", "draft", "proposed"),
  entry("works", "implementation"),
  entry("other"),
);

describe("classes that can be drawn one by one", () => {
  it("are those that a property of features tells apart", () =>
    expect(classesOf(projects).map(({ code }) => code)).toEqual(["proposal", "works", "other"]));
  it("are none of a raster, of what all looks alike, nor of a single class", () => {
    expect(classesOf({ ...projects, kind: "raster" })).toEqual([]);
    expect(classesOf(layer({}, entry(null)))).toEqual([]);
    expect(classesOf(layer({}, entry("works", "implementation")))).toEqual([]);
  });
});

describe("the filter of a layer", () => {
  it("is none where all classes are drawn, or those hidden are no longer there", () => {
    expect(filterOf(projects, [])).toBeNull();
    expect(filterOf(projects, ["former"])).toBeNull();
  });
  it("leaves out every value of a hidden class", () =>
    expect(filterOf(projects, ["proposal"])).toEqual(["!in", "state", "draft", "proposed"]));
  it("keeps the values of the other classes where what belongs to none is hidden", () =>
    expect(filterOf(projects, ["other", "works"])).toEqual(["in", "state", "draft", "proposed"]));
  it("keeps nothing where all is hidden", () =>
    expect(filterOf(projects, ["other", "works", "proposal"])).toEqual(["in", "state"]));
  it("knows yes and no as tiles have them", () =>
    expect(
      filterOf(layer({}, entry("given", "false"), entry("stand_in", "true")), ["stand_in"]),
    ).toEqual(["!in", "state", "true", true]));
});

describe("credits", () => {
  const of = (layer: string) => ({
    type: "vector" as const,
    attribution: `NASA · <a href="https://tiles.test/layers/${layer}/map?lang=en">Sources</a>`,
  });
  it("of layers with equal sources are equal, and lead to the list of sources", () => {
    const one = credited(of("zones"));
    expect(one).toEqual(credited(of("corridors")));
    expect(one).toHaveProperty(
      "attribution",
      'NASA · <a href="/console/data?tab=coverage">Sources</a>',
    );
  });
  it("that are none stay none", () => {
    expect(credited({ type: "vector" })).toEqual({ type: "vector" });
  });
});
