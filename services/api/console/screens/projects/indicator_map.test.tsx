import type { MultiPolygon } from "geojson";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import {
  type Answer,
  act,
  cellsOf,
  open,
  refused,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import {
  classesFor,
  coloured,
  type Judged,
  NO_DATA_GREY,
  type Place,
  RAMP,
  STANDING_COLORS,
  shownOf,
} from "./indicator_map";
import { Indicators } from "./indicators";

const NOW = new Date().getFullYear();

const judged = (region: string, more: Partial<Judged> = {}): Judged => ({
  status: "no_data",
  gap: null,
  path_value: null,
  progress_percent: null,
  remarks: [],
  indicator: "forest",
  order: 1,
  name_zh: "森林覆盖率",
  name_en: "Forest cover",
  unit: "%",
  property: "binding",
  direction: "higher",
  category: null,
  department: null,
  region: { code: region, name_zh: `${region}区`, name_en: region },
  base: null,
  target: null,
  value: null,
  value_year: null,
  targets: [],
  references: [],
  trend: null,
  projects: null,
  ...more,
});
const box = (west: number): MultiPolygon => ({
  type: "MultiPolygon",
  coordinates: [
    [
      [
        [west, 24.4],
        [west + 0.1, 24.4],
        [west + 0.1, 24.6],
        [west, 24.4],
      ],
    ],
  ],
});
const feature = (id: string, level: string, name: string, geometry: MultiPolygon | null) => ({
  type: "Feature" as const,
  id,
  geometry,
  properties: { code: id, name_zh: `${name}区`, name_en: name, level },
});
const REGIONS = [
  feature("xiamen", "city", "Xiamen", box(118)),
  feature("xiamen.a", "district", "Alpha", box(118)),
  feature("xiamen.b", "district", "Beta", box(118.1)),
  feature("xiamen.c", "district", "Gamma", null),
  feature("xiamen.bay", "bay", "Bay", box(118.2)),
];
const place = (at: number, more: Partial<Judged> = {}): Place => {
  const found = REGIONS[at] as (typeof REGIONS)[number];
  return { feature: found, indicators: [judged(found.id, more)] };
};

describe("the classes of a map", () => {
  const holding = (classes: ReturnType<typeof classesFor>, one: Partial<Judged>) =>
    classes.filter(({ holds }) => holds(judged("x", one))).map(({ color }) => color);

  it("of values are five, alike wide, from the least to the greatest", () => {
    const classes = classesFor("value", [judged("x", { value: 10 }), judged("y", { value: 60 })]);
    expect(classes.map(({ label }) => label)).toEqual([
      "10 – 20",
      "20 – 30",
      "30 – 40",
      "40 – 50",
      "50 – 60",
    ]);
    // A value on an edge is of the class above, the greatest of the last; each is of one alone.
    for (const [value, n] of [
      [10, 0],
      [19.9, 0],
      [20, 1],
      [50, 4],
      [60, 4],
    ] as const)
      expect(holding(classes, { value })).toEqual([RAMP[n]]);
    expect(holding(classes, {})).toEqual([]);
  });
  it("is one where all values are alike, and none where there is none", () => {
    expect(classesFor("value", [judged("x", { value: 7 })]).map(({ label }) => label)).toEqual([
      "7",
    ]);
    expect(classesFor("value", [judged("x")])).toEqual([]);
  });
  it("of the way to a target are its quarters, back of the base and beyond the target included", () => {
    const classes = classesFor("way", []);
    for (const [at, n] of [
      [-20, 0],
      [0, 0],
      [25, 1],
      [99.9, 3],
      [100, 4],
      [250, 4],
    ] as const)
      expect(holding(classes, { progress_percent: at })).toEqual([RAMP[n]]);
    expect(holding(classes, {})).toEqual([]);
  });
  it("of the standing are its words", () => {
    expect(holding(classesFor("standing", []), { status: "behind" })).toEqual([
      STANDING_COLORS.behind,
    ]);
    expect(holding(classesFor("standing", []), { status: "no_data" })).toEqual([]);
  });
});

describe("what a map shows", () => {
  const whole = place(0, { value: 40 });
  it("is the regions below where any has data, those without in grey", () => {
    const below = [place(1, { value: 30 }), place(2)];
    const shown = shownOf({ own: whole, below, undrawn: 0 }, "forest", "value");
    expect(shown).toBe(below);
    const drawn = coloured(shown, "forest", "value", "").features;
    expect(
      drawn.slice(0, 2).map(({ properties }) => [properties?.code, properties?.color]),
    ).toEqual([
      ["xiamen.a", RAMP[2]],
      ["xiamen.b", NO_DATA_GREY],
    ]);
    expect(drawn[1]?.properties?.label).toContain("no data");
  });
  it("is the whole region where none below has any", () => {
    const places = { own: whole, below: [place(1), place(2)], undrawn: 0 };
    expect(shownOf(places, "forest", "value")).toEqual([whole]);
    expect(shownOf({ own: place(0), below: [], undrawn: 0 }, "forest", "value")).toHaveLength(1);
  });
  it("draws what is chosen last and thick", () => {
    const shown = [place(1, { value: 1 }), place(2, { value: 2 })];
    const lines = coloured(shown, "forest", "value", "xiamen.a").features.slice(2);
    expect(lines.map(({ properties }) => properties?.width)).toEqual([1, 4]);
    expect(lines[1]?.geometry.type).toBe("MultiLineString");
  });
});

const target = { role: "target", year: 2035, value: 60 } as Schema<"StatedTarget">;
const standing: Record<string, Partial<Judged>> = {
  "": { value: 42, value_year: NOW, base: { year: NOW - 12, value: 40 } },
  xiamen: { value: 42, value_year: NOW },
  "xiamen.a": { value: 30, value_year: NOW, target, progress_percent: 62.5, status: "on_track" },
};
let answers: Record<string, Answer>;
beforeEach(() => {
  answers = {
    "GET /plans/xiamen-1/progress": ({ query }) => {
      const region = query.get("region") ?? "";
      const old = Number(query.get("year") ?? NOW) < NOW;
      const one = judged(region || "xiamen", old ? {} : standing[region]);
      return { year: NOW, indicators: [one] };
    },
    "GET /collections/regions/items": { features: REGIONS, links: [] },
    "GET /collections/regions/items/xiamen": feature("xiamen", "city", "Xiamen", box(118)),
    "GET /plans/xiamen-1/indicators/forest/values": { unit: "%", values: [] },
    "GET /tiles/layers/regions/style.json": { sources: {}, layers: [] },
  };
});

describe("the map of an indicator", () => {
  async function opened(
    lang: "zh" | "en" = "en",
    scopes: readonly ("read" | "write")[] = ["read"],
  ) {
    const sent = serve(answers);
    const hands = open(<Indicators plan="xiamen-1" status="" />, { lang, scopes });
    const words = lang === "en" ? ["Forest cover", "By region"] : ["森林覆盖率", "分区域"];
    await hands.click(await screen.findByRole("button", { name: words[0] as string }));
    await hands.click(screen.getByRole("tab", { name: words[1] as string }));
    return { hands, sent };
  }
  const drawn = () => maps[0]?.getSource("overlay")?.data?.features ?? [];
  const colors = () =>
    drawn().flatMap(({ properties }) =>
      properties?.code ? [[properties.code, properties.color]] : [],
    );

  it("asks for the region and those right below, and colours those with a shape", async () => {
    const { sent } = await opened();
    await waitFor(() =>
      expect(colors()).toEqual([
        ["xiamen.a", RAMP[2]],
        ["xiamen.b", NO_DATA_GREY],
      ]),
    );
    expect(
      sent.find(({ path }) => path === "/collections/regions/items")?.query.get("filter"),
    ).toBe("code = 'xiamen' OR parent = 'xiamen'");
    // The bay lies across districts, and one district has no shape.
    const asked = sent.flatMap(({ query }) => query.get("region") ?? []);
    expect(asked.toSorted()).toEqual(["xiamen", "xiamen.a", "xiamen.b"]);
    expect(screen.getByText(/^One more region below has no shape/)).toBeTruthy();
    const legend = within(screen.getByRole("group", { name: "Legend" }));
    expect(legend.getByText("Value, %")).toBeTruthy();
    expect(legend.getByText("No data")).toBeTruthy();
    expect(await cellsOf("By region")).toEqual([
      ["Xiamen", `42 (${NOW})`, "–", "–", "not judged"],
      ["Alpha", `30 (${NOW})`, "60 (2035)", "62.5 %", "on track"],
      ["Beta", "–", "–", "–", "not judged"],
    ]);
  });
  it("is coloured by the way to the target, or by the standing", async () => {
    const { hands } = await opened("zh");
    const by = await screen.findByRole("combobox", { name: "按什么着色" });
    await hands.selectOptions(by, "目标完成程度");
    await waitFor(() => expect(colors()[0]).toEqual(["xiamen.a", RAMP[2]]));
    expect(screen.getByText("50–75 %")).toBeTruthy();
    await hands.selectOptions(by, "进展");
    await waitFor(() => expect(colors()[0]).toEqual(["xiamen.a", STANDING_COLORS.on_track]));
    expect(screen.getAllByText("未评价").length).toBeGreaterThan(1);
  });
  it("chooses a region by a click on the map or in the table, and lets it go by another", async () => {
    const { hands } = await opened();
    await waitFor(() => expect(colors()).toHaveLength(2));
    const still = maps[0];
    if (!still) throw new Error("no map");
    still.rendered = [{ properties: { code: "xiamen.b" } }];
    await act(async () => still.click(118.15, 24.5));
    const chosen = () =>
      screen.getByRole("region", { name: "By region" }).querySelector("tr.chosen td")?.textContent;
    expect(chosen()).toBe("Beta");
    await waitFor(() => expect(drawn().at(-1)?.properties?.width).toBe(4));
    await hands.click(screen.getByRole("button", { name: "Alpha" }));
    expect(chosen()).toBe("Alpha");
    await hands.keyboard("{Enter}");
    expect(chosen()).toBeUndefined();
    await waitFor(() => expect(drawn().at(-1)?.properties?.width).toBe(1));
  });
  it("leads to the course of what is chosen, and values are reported of it", async () => {
    answers["POST /plans/xiamen-1/indicators/forest/values"] = {};
    const { hands, sent } = await opened("en", ["read", "write"]);
    await hands.click(await screen.findByRole("button", { name: "Alpha" }));
    await hands.click(screen.getByRole("tab", { name: "Course" }));
    expect(await screen.findByText("Forest cover · xiamen.a")).toBeTruthy();
    await waitFor(() => {
      const asked = sent.filter(({ path }) => path.endsWith("/values"));
      expect(asked.at(-1)?.query.get("region")).toBe("xiamen.a");
    });
    await hands.click(screen.getByRole("button", { name: "Report a value" }));
    const asks = await screen.findByRole("dialog", { name: "Report: Forest cover · xiamen.a" });
    const dialog = within(asks);
    await hands.type(dialog.getByRole("spinbutton", { name: /^Value/ }), "31");
    await hands.click(dialog.getByRole("button", { name: "Record" }));
    await waitFor(() =>
      expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({
        value: 31,
        region: "xiamen.a",
      }),
    );
    await hands.click(screen.getByRole("button", { name: "Whole region" }));
    await waitFor(() => {
      const asked = sent.filter(({ method, path }) => method === "GET" && path.endsWith("/values"));
      expect(asked.at(-1)?.query.get("region")).toBeNull();
    });
  });
  it("is of another year where one is chosen, and says that the whole region has no data either", async () => {
    const { hands, sent } = await opened();
    await waitFor(() => expect(colors()).toHaveLength(2));
    const years = screen.getByRole("combobox", { name: "Year" });
    // As far back as the base is known.
    expect(within(years).getAllByRole("option").at(-1)?.textContent).toBe(String(NOW - 12));
    await hands.selectOptions(years, String(NOW - 1));
    await waitFor(() => expect(colors()).toEqual([["xiamen", NO_DATA_GREY]]));
    expect(sent.at(-1)?.query.get("year")).toBe(String(NOW - 1));
    expect(screen.getByText(/^No region below has data/)).toBeTruthy();
  });
  it("is not drawn of a region without a shape, whose figures are told all the same", async () => {
    answers["GET /collections/regions/items"] = {
      features: [{ ...REGIONS[0], geometry: null }],
      links: [],
    };
    await opened();
    expect(await screen.findByText("The region has no shape to draw.")).toBeTruthy();
    expect((await cellsOf("By region"))[0]?.[1]).toBe(`42 (${NOW})`);
    expect(maps).toHaveLength(0);
  });
  it("tells why it cannot be had", async () => {
    answers["GET /collections/regions/items"] = refused(503, "the database is away");
    await opened();
    expect((await screen.findByRole("alert")).textContent).toContain("the database is away");
  });
});
