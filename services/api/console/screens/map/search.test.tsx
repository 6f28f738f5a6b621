import { beforeEach, describe, expect, it } from "vitest";
import type { Feature } from "../../kit/features";
import { maps } from "../../kit/map/testing";
import { type Answer, open, refused, screen, serve, waitFor, within } from "../../kit/testing";
import OneMap, { shown } from "./map";
import { serveMap, shownMaps, tiles } from "./testing";

const feature = (
  id: string,
  name_zh: string,
  name_en: string | null,
  at: [number, number] | null = [118.1, 24.5],
): Feature => ({
  type: "Feature",
  id,
  geometry: at && { type: "Point", coordinates: at },
  properties: { name_zh, name_en },
});
const page = (...features: Feature[]) => ({ features, links: [], numberMatched: features.length });

/** Answers of the seven collections: empty, but for those given. */
const collections = (found: Record<string, Answer> = {}): Record<string, Answer> => ({
  ...found,
  "GET /collections/{}/items": page(),
});
const searchable = (found: Record<string, Answer> = {}) =>
  serve({
    ...tiles,
    ...Object.fromEntries(
      Object.entries(found).map(([name, answer]) => [`GET /collections/${name}/items`, answer]),
    ),
    ...collections(),
  });

const field = () =>
  screen.getByRole("searchbox", { name: "Find a place, an object or coordinates" });
const hits = () => {
  const list = document.querySelector(".hits");
  return [...(list?.querySelectorAll("li") ?? [])].map(({ textContent }) => textContent);
};

beforeEach(() => {
  shown.value = [{ name: "zones" }];
});

describe("a search by name", () => {
  it("looks in all kinds of objects, a few of each", async () => {
    const sent = searchable({
      corridors: page(feature("c1", "西溪廊道", "Xixi corridor")),
      projects: page(feature("p1", "西溪整治", "Xixi works")),
    });
    const hands = open(<OneMap />);
    await hands.type(field(), "xixi{Enter}");
    await waitFor(() => expect(hits()).toEqual(["Xixi corridor corridor", "Xixi works project"]));
    const asked = sent.filter(({ path }) => path.endsWith("/items"));
    expect(asked.map(({ path }) => path.split("/")[2]).sort()).toEqual([
      "control_areas",
      "corridors",
      "named_features",
      "problems",
      "projects",
      "regions",
      "stations",
      "zones",
    ]);
    expect(asked.every(({ query }) => query.get("q") === "xixi")).toBe(true);
    expect(asked.every(({ query }) => query.get("limit") === "5")).toBe(true);
  });
  it("shows what was found where some could not be asked, and says which", async () => {
    searchable({
      corridors: page(feature("c1", "西溪廊道", "Xixi corridor")),
      stations: () => refused(403, "not for you"),
    });
    const hands = open(<OneMap />);
    await hands.type(field(), "xixi{Enter}");
    await waitFor(() => expect(hits()).toEqual(["Xixi corridor corridor"]));
    expect(screen.getByText("Could not be asked: station (not for you)")).toBeTruthy();
  });
  it("leads to what was found", async () => {
    searchable({ zones: page(feature("z1", "甲区", "Zone A", [118.05, 24.6])) });
    const hands = open(<OneMap />);
    await shownMaps();
    await hands.type(field(), "zone{Enter}");
    await hands.click(await screen.findByRole("button", { name: "Zone A" }));
    expect(maps[0]?.bounds).toEqual([
      [118.05, 24.6],
      [118.05, 24.6],
    ]);
  });
  it("leads there while two maps stand beside each other as well", async () => {
    searchable({ zones: page(feature("z1", "甲区", "Zone A", [118.05, 24.6])) });
    const hands = open(<OneMap />);
    await hands.click(screen.getByRole("tab", { name: "Tools" }));
    const what = screen.getByRole("combobox", { name: "With what" });
    await within(what).findByRole("option", { name: "Corridors" });
    await hands.selectOptions(what, "Corridors");
    await shownMaps(2);
    await hands.type(field(), "zone{Enter}");
    await hands.click(await screen.findByRole("button", { name: "Zone A" }));
    expect(maps.map(({ bounds }) => bounds[0])).toContainEqual([118.05, 24.6]);
  });
  it("says what is not drawn yet, and leads nowhere then", async () => {
    searchable({ projects: page(feature("p1", "无图", "Not on a map", null)) });
    const hands = open(<OneMap />);
    await hands.type(field(), "map{Enter}");
    const found = await screen.findByRole("button", { name: "Not on a map" });
    expect(found.hasAttribute("disabled")).toBe(true);
    expect(hits()).toEqual(["Not on a map project (not drawn yet)"]);
  });
  it("shows the Chinese name where there is no English one, and the code where there is none", async () => {
    searchable({ stations: page(feature("s1", "集美站", null), feature("s2", "", "")) });
    const hands = open(<OneMap />);
    await hands.type(field(), "s{Enter}");
    await waitFor(() => expect(hits()).toEqual(["集美站 station", "s2 station"]));
  });
  it("tells that nothing was found, in Chinese too", async () => {
    searchable();
    const hands = open(<OneMap />, { lang: "zh" });
    await hands.type(
      screen.getByRole("searchbox", { name: "查找地名、对象或坐标" }),
      "不存在的地方",
    );
    await hands.click(screen.getByRole("button", { name: "查找" }));
    expect(await screen.findByText("没有找到。")).toBeTruthy();
  });
  it("says what was refused, and searches again on demand", async () => {
    let down = true;
    searchable({
      zones: () => (down ? refused(503, "too busy") : page(feature("z1", "甲区", "Zone A"))),
    });
    const hands = open(<OneMap />);
    await hands.type(field(), "zone{Enter}");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("too busy");
    down = false;
    await hands.click(within(alert).getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("button", { name: "Zone A" })).toBeTruthy();
  });
  it("asks nothing for blanks alone", async () => {
    const sent = searchable();
    const hands = open(<OneMap />);
    await hands.type(field(), "   {Enter}");
    await shownMaps();
    expect(sent.some(({ query }) => query.has("q"))).toBe(false);
    expect(document.querySelector(".hits")).toBeNull();
    expect(screen.queryByText("Nothing found.")).toBeNull();
  });
});

describe("a search by coordinates", () => {
  const at = (...features: object[]) => ({ "GET /identify": { features } });
  it.each([
    ["degrees", "118.1 24.5"],
    ["degrees and minutes", "118°06′ 24°30′"],
    ["a comma", "118.1,24.5"],
    ["letters of the sides", "E118.1 N24.5"],
    ["Chinese words", "东经118.1 北纬24.5"],
  ])("takes them as %s, goes there and tells what is there", async (_, text) => {
    const sent = serveMap(at());
    const hands = open(<OneMap />);
    await shownMaps();
    await hands.type(field(), `${text}{Enter}`);
    expect(await screen.findByText("There is nothing here.")).toBeTruthy();
    const asked = sent.find(({ path }) => path === "/identify")?.query;
    expect([asked?.get("lon"), asked?.get("lat")]).toEqual(["118.1000000", "24.5000000"]);
    expect(maps[0]?.bounds[0]).toEqual([118.1, 24.5]);
    expect(screen.getByRole("tab", { name: "What is here", selected: true })).toBeTruthy();
  });
  it("takes a place that is on no globe for a name", async () => {
    const sent = searchable();
    const hands = open(<OneMap />);
    await hands.type(field(), "24.5 118.1{Enter}");
    expect(await screen.findByText("Nothing found.")).toBeTruthy();
    expect(sent.some(({ path }) => path === "/identify")).toBe(false);
  });
  it("forgets what was found by name before", async () => {
    serve({
      ...tiles,
      ...at(),
      "GET /collections/zones/items": page(feature("z1", "甲区", "Zone A")),
      ...collections(),
    });
    const hands = open(<OneMap />);
    await hands.type(field(), "zone{Enter}");
    await screen.findByRole("button", { name: "Zone A" });
    await hands.clear(field());
    await hands.type(field(), "118.1 24.5{Enter}");
    expect(screen.queryByRole("button", { name: "Zone A" })).toBeNull();
  });
});
