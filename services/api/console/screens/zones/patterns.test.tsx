import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { maps } from "../../kit/map/testing";
import { type Answer, open, refused, screen, waitFor, within } from "../../kit/testing";
import { box, collection, scheme, zoned } from "./testing";
import Zones from "./zones";

type Node = Schema<"ComponentNode">;

const node = (code: string, change: Partial<Node> = {}): Node => ({
  code,
  name_zh: `${code}号`,
  name_en: `The ${code}`,
  type: "bay",
  order: 1,
  certainty: "stated",
  label_zh: null,
  label_en: null,
  covers: null,
  area_km2: null,
  length_km: null,
  geometry_known: true,
  count_stated: null,
  count_listed: null,
  source_names_all: null,
  links: [],
  children: [],
  ...change,
});
const TREE = [
  node("hills", {
    type: "hill",
    children: [node("river", { type: "river_axis", length_km: 12.5 })],
  }),
  node("bay", { area_km2: 7 }),
  node("lost", { geometry_known: false, count_stated: 9, count_listed: 4 }),
];
const shape = (id: string, west: number) => ({
  type: "Feature",
  id,
  geometry: box(west, 24),
  properties: {},
});

function patterns(answers: Record<string, Answer> = {}, words: "zh" | "en" = "en") {
  const sent = zoned([scheme(1, "published")], {
    "GET /patterns": {
      patterns: [
        { code: "p1", name_zh: "山海格局", name_en: "Hills and sea", status: "published" },
        { code: "p2", name_zh: "旧格局", name_en: "The old one", status: "draft" },
      ],
    },
    "GET /patterns/p1/tree": { tree: { code: "p1", children: TREE } },
    "GET /patterns/p2/tree": { tree: { code: "p2", children: [node("bay")] } },
    "GET /collections/pattern_components/items": collection([
      shape("hills", 118),
      shape("bay", 118.2),
      shape("of another pattern", 118.3),
    ]),
    ...answers,
  });
  return { sent, hands: open(<Zones />, { lang: words, query: "tab=patterns" }) };
}
const drawn = () =>
  (maps[0]?.getSource("overlay")?.data?.features ?? []).map(({ properties }) => [
    properties?.label,
    properties?.width,
  ]);

describe("a pattern", () => {
  it("has its components by kind, those below others as well", async () => {
    patterns();
    await screen.findByRole("heading", { name: /hills/ });
    const heads = screen
      .getAllByRole("heading", { level: 2 })
      .map((head) => head.textContent?.trim());
    expect(heads).toEqual(["hills1", "river axes1", "bays2"]);
    expect(screen.getByText("12.5 km")).toBeTruthy();
    expect(screen.getByText("7.00 km²")).toBeTruthy();
    expect(screen.getByText("4 of 9 listed")).toBeTruthy();
  });
  it("is on the map as far as it is drawn, and nothing of another", async () => {
    patterns();
    await waitFor(() =>
      expect(drawn()).toEqual([
        ["The hills", 2.5],
        ["The bay", 2.5],
      ]),
    );
  });
  it("leads to a component, which stands out then", async () => {
    const { hands } = patterns();
    await hands.click(await screen.findByRole("button", { name: "The bay" }));
    await waitFor(() => expect(drawn()[1]).toEqual(["The bay", 5]));
    expect(maps[0]?.bounds[0]).toEqual([118.2, 24]);
  });
  it("leads to drawing what is not drawn yet", async () => {
    patterns({}, "zh");
    const way = await screen.findByRole("link", { name: "未绘制" });
    const to = new URL(way.getAttribute("href") ?? "", location.origin);
    expect(to.pathname).toBe("/console/digitise");
    expect(to.searchParams.get("collection")).toBe("pattern_components");
    expect(to.searchParams.get("object")).toBe("lost");
  });
  it("is one of several", async () => {
    const { hands, sent } = patterns();
    const list = await screen.findByRole("combobox", { name: "Pattern" });
    await hands.selectOptions(list, "The old one");
    await waitFor(() => expect(drawn()).toEqual([["The bay", 2.5]]));
    expect(screen.queryByText("The hills")).toBeNull();
    expect(sent.find(({ path }) => path === "/patterns")?.query.get("region")).toBe("xiamen");
  });
  it("gives the map back to the zones", async () => {
    const { hands } = patterns();
    await waitFor(() => expect(drawn()).toHaveLength(2));
    await hands.click(screen.getByRole("tab", { name: "Areas" }));
    await waitFor(() => expect(drawn()).toHaveLength(3));
  });
  it("may be none", async () => {
    patterns({ "GET /patterns": { patterns: [] } });
    expect(await screen.findByText("The region has no pattern.")).toBeTruthy();
  });
  it("is asked for again where its tree was refused", async () => {
    let away = true;
    const { hands } = patterns({
      "GET /patterns/p1/tree": () =>
        away ? refused(503, "away") : { tree: { code: "p1", children: [node("bay")] } },
    });
    const alert = await screen.findByRole("alert");
    away = false;
    await hands.click(within(alert).getByRole("button"));
    expect(await screen.findByRole("button", { name: "The bay" })).toBeTruthy();
  });
});
