import { beforeEach, describe, expect, it } from "vitest";
import { recall } from "../../kit/kept";
import { maps } from "../../kit/map/testing";
import { act, fireEvent, open, type Sent, screen, serve, waitFor, within } from "../../kit/testing";
import { lang } from "../../kit/words";
import OneMap, { rightOf, shown } from "./map";
import { LAYERS, namesOn, serveMap, shownMaps, tiles } from "./testing";

// What is shown outlives the screen: each test begins as a browser that kept nothing.
beforeEach(() => {
  shown.value = [{ name: "zones" }];
});

/** The line of a layer that is shown. */
async function shownLine(title: string) {
  const name = await screen.findByText(title, { selector: "strong" });
  return within(name.closest("li") as HTMLElement);
}
const shownTitles = () =>
  [...document.querySelectorAll(".shown strong")].map(({ textContent }) => textContent);
const box = (name: string) => screen.findByRole("checkbox", { name });

describe("the tree of layers", () => {
  it("has those of the region by subject, and none that lies elsewhere", async () => {
    serveMap();
    open(<OneMap />);
    await box("Restoration zones");
    const subjects = [...document.querySelectorAll("summary")]
      .map(({ textContent }) => textContent)
      .filter((text) => text !== "Legend");
    expect(subjects).toEqual([
      "Planning 1",
      "Pattern and corridors 1",
      "Control lines 1",
      "Ecosystem services 1",
    ]);
    expect(screen.queryByRole("checkbox", { name: "Heights of Banan" })).toBeNull();
  });
  it("has Chinese titles for who reads Chinese", async () => {
    serveMap();
    open(<OneMap />, { lang: "zh" });
    await box("修复分区");
    expect(screen.getByText("管控线")).toBeTruthy();
    expect(document.body.textContent).not.toMatch(/[a-z]+_[a-z]+/);
  });
  it("puts what is ticked on top of the others, in the list and on the map", async () => {
    serveMap();
    const hands = open(<OneMap />);
    await hands.click(await box("Corridors"));
    await waitFor(() => expect(shownTitles()).toEqual(["Corridors", "Restoration zones"]));
    await shownMaps();
    await waitFor(() => expect(namesOn()).toEqual(["zones?", "corridors?"]));
  });
  it("takes what is no longer ticked off the map", async () => {
    serveMap();
    const hands = open(<OneMap />);
    await hands.click(await box("Restoration zones"));
    await shownMaps();
    await waitFor(() => expect(namesOn()).toEqual([]));
    expect(shownTitles()).toEqual([]);
    expect((await box("Restoration zones")).hasAttribute("checked")).toBe(false);
  });
  it("says what the tile service refused, and asks again", async () => {
    let down = true;
    serve({
      ...tiles,
      "GET /tiles/layers": () =>
        down ? Response.json({ detail: "no rasters here" }, { status: 503 }) : { layers: LAYERS },
    });
    const hands = open(<OneMap />);
    expect(await screen.findByText("no rasters here")).toBeTruthy();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await box("Control areas")).toBeTruthy();
  });
  it("begins with the layer that a link names, without losing the others", async () => {
    serveMap();
    open(<OneMap />, { query: "layer=control_areas" });
    await waitFor(() => expect(shownTitles()).toEqual(["Control areas", "Restoration zones"]));
  });
});

describe("the field that narrows the tree", () => {
  const ticks = () =>
    screen.getAllByRole("checkbox").map((one) => one.closest("label")?.textContent);

  it("leaves layers that have the text in their name or subject, in either language", async () => {
    serveMap();
    const hands = open(<OneMap />);
    await box("Corridors");
    const field = screen.getByRole("searchbox", { name: "Filter layers" });
    await hands.type(field, "cool");
    expect(screen.getByRole("checkbox", { name: "Supply of cooling" })).toBeTruthy();
    expect(screen.queryByRole("checkbox", { name: "Corridors" })).toBeNull();
    expect(document.querySelector("details.group")?.hasAttribute("open")).toBe(true);
    await hands.clear(field);
    await hands.type(field, "管控线");
    expect(screen.getByRole("checkbox", { name: "Control areas" })).toBeTruthy();
    await hands.clear(field);
    expect(screen.getByRole("checkbox", { name: "Corridors" })).toBeTruthy();
  });
  it("says where nothing has it, and hides nothing that is drawn", async () => {
    serveMap();
    const hands = open(<OneMap />, { lang: "zh" });
    await box("修复分区");
    await shownMaps();
    await hands.type(screen.getByRole("searchbox", { name: "筛选图层" }), "鲸");
    expect(screen.getByText("没有名称或主题含“鲸”的图层。")).toBeTruthy();
    expect(shownTitles()).toEqual(["修复分区"]);
    await waitFor(() => expect(namesOn()).toEqual(["zones?"]));
    // Only the boxes of the drawn layer's own classes are left.
    expect(ticks()).toEqual(["保护", "修复"]);
  });
});

describe("classes of a layer", () => {
  const filterOn = (map = maps[0], id = "zones?#fill") =>
    map?.getLayer(id) as { filter?: unknown } | undefined;
  const polygons = ["==", "$type", "Polygon"];
  const without = (...codes: string[]) => ["all", polygons, ["!in", "class", ...codes]];

  it("are taken off the map one by one, and put back, from the legend", async () => {
    serveMap();
    const hands = open(<OneMap />);
    await shownMaps();
    const line = await shownLine("Restoration zones");
    await hands.click(line.getByText("Legend"));
    await hands.click(line.getByRole("checkbox", { name: "protection" }));
    await waitFor(() => expect(filterOn()?.filter).toEqual(without("a")));
    expect(line.getByText("filtered: 1 of 2")).toBeTruthy();
    expect(recall("map.layers")).toEqual([{ name: "zones", hidden: ["a"] }]);
    await hands.click(line.getByRole("button", { name: "Show none" }));
    await waitFor(() => expect(filterOn()?.filter).toEqual(without("a", "b")));
    await hands.click(line.getByRole("button", { name: "Show all" }));
    await waitFor(() => expect(filterOn()?.filter).toEqual(polygons));
    expect(line.queryByText(/^filtered/)).toBeNull();
    expect(recall("map.layers")).toEqual([{ name: "zones" }]);
  });
  it("are worked by the keyboard", async () => {
    serveMap();
    const hands = open(<OneMap />, { lang: "zh" });
    const line = await shownLine("修复分区");
    const group = line.getByRole("group", { name: "修复分区：显示的类别" });
    within(group).getByRole("checkbox", { name: "修复" }).focus();
    await hands.keyboard(" ");
    expect(line.getByText("已筛选：1/2 类")).toBeTruthy();
  });
  it("are those of the last visit, each layer's by itself, and kept with order and opacity", async () => {
    shown.value = [{ name: "corridors" }, { name: "zones", opacity: 0.4, hidden: ["b"] }];
    serveMap();
    const hands = open(<OneMap />);
    await shownMaps();
    await waitFor(() => expect(filterOn()?.filter).toEqual(without("b")));
    expect(filterOn(maps[0], "corridors?#fill")?.filter).toEqual(polygons);
    await hands.click(screen.getByRole("button", { name: "Restoration zones: up" }));
    expect(shown.value[0]).toEqual({ name: "zones", opacity: 0.4, hidden: ["b"] });
    await waitFor(() => expect(namesOn()).toEqual(["corridors?", "zones?"]));
    expect(filterOn()?.filter).toEqual(without("b"));
  });
  it("are the same on a map beside, on another day too", async () => {
    shown.value = [{ name: "zones", hidden: ["a"] }];
    serveMap();
    const hands = open(<OneMap />);
    await shownMaps();
    await hands.click(screen.getByRole("tab", { name: "Tools" }));
    const [other] = await screen.findAllByRole("option", {
      name: "the top vector layer a year ago",
    });
    await hands.selectOptions(screen.getByLabelText("With what"), other as HTMLElement);
    await shownMaps(2);
    await waitFor(() =>
      expect(
        maps[1]?.layers
          .filter(({ id }) => id.startsWith("zones?as_of"))
          .map(({ filter }) => filter),
      ).toEqual([without("a")]),
    );
  });
  it("are said on paper where they are not drawn", async () => {
    shown.value = [{ name: "zones", hidden: ["a"] }, { name: "corridors" }];
    serveMap();
    open(<OneMap />, { lang: "zh" });
    const said = await screen.findByText("（已筛选，未显示：保护）");
    expect(said.closest(".on-paper")?.textContent).toContain("厦门市");
    const drawn = [...(said.closest("ul")?.children ?? [])].map(({ textContent }) => textContent);
    expect(drawn).toHaveLength(2);
    // The legend has the classes that are drawn alone.
    expect(drawn[0]).toContain("修复");
    expect(drawn[0]?.split("）").at(-1)).not.toContain("保护");
    expect(drawn[1]).toContain("生态廊道");
  });
  it("of a raster are none: its cells come as pictures", async () => {
    serveMap();
    open(<OneMap />, { query: "layer=supply.cooling.xiamen" });
    const line = await shownLine("Supply of cooling");
    expect(line.queryByRole("checkbox")).toBeNull();
  });
});

it("the other map takes what a layer looks like on this one", () => {
  const here = [{ name: "zones", opacity: 0.5, hidden: ["a"] }, { name: "corridors" }];
  expect(rightOf("@2025-01-01", here)).toEqual({ ...here[0], query: { as_of: "2025-01-01" } });
  expect(rightOf("zones", here)).toEqual(here[0]);
  expect(rightOf("plans", here)).toEqual({ name: "plans" });
  expect(rightOf("@2025-01-01", [])).toBeNull();
});

describe("layers that are shown", () => {
  async function opened() {
    shown.value = [{ name: "corridors" }, { name: "zones" }, { name: "control_areas" }];
    serveMap();
    const hands = open(<OneMap />);
    await shownMaps();
    await waitFor(() => expect(namesOn()).toHaveLength(3));
    return hands;
  }

  it("are those of the last visit, in their order", async () => {
    await opened();
    expect(shownTitles()).toEqual(["Corridors", "Restoration zones", "Control areas"]);
    expect(namesOn()).toEqual(["control_areas?", "zones?", "corridors?"]);
  });
  it("change places by their arrows", async () => {
    const hands = await opened();
    await hands.click((await shownLine("Control areas")).getByRole("button", { name: /: up/ }));
    expect(shownTitles()).toEqual(["Corridors", "Control areas", "Restoration zones"]);
    await hands.click(screen.getByRole("button", { name: "Corridors: down" }));
    expect(shownTitles()).toEqual(["Control areas", "Corridors", "Restoration zones"]);
    await waitFor(() => expect(namesOn()).toEqual(["zones?", "corridors?", "control_areas?"]));
    expect(recall("map.layers")).toEqual([
      { name: "control_areas" },
      { name: "corridors" },
      { name: "zones" },
    ]);
  });
  it("go no further than the ends", async () => {
    await opened();
    const end = (name: string) => screen.getByRole("button", { name }).hasAttribute("disabled");
    expect(end("Corridors: up")).toBe(true);
    expect(end("Control areas: down")).toBe(true);
    expect(end("Restoration zones: up")).toBe(false);
    expect(end("Restoration zones: down")).toBe(false);
  });
  it("are hidden by their own button, which unticks them in the tree", async () => {
    const hands = await opened();
    await hands.click(screen.getByRole("button", { name: "Corridors: hide" }));
    expect(shownTitles()).toEqual(["Restoration zones", "Control areas"]);
    expect((await box("Corridors")) as HTMLInputElement).toHaveProperty("checked", false);
    await waitFor(() => expect(namesOn()).toEqual(["control_areas?", "zones?"]));
  });
  it("are faded by their slider, each by itself", async () => {
    await opened();
    const slider = screen.getByRole("slider", { name: "Restoration zones: opacity" });
    fireEvent.input(slider, { target: { value: "0.4" } });
    expect(slider.getAttribute("aria-valuetext")).toBe("40%");
    await waitFor(() =>
      expect(maps[0]?.getLayer("zones?#fill")?.paint).toMatchObject({ "fill-opacity": 0.4 }),
    );
    expect(maps[0]?.getLayer("corridors?#fill")?.paint).toMatchObject({ "fill-opacity": 1 });
    expect(recall("map.layers")).toContainEqual({ name: "zones", opacity: 0.4 });
  });
  it("keep their fading when they change places", async () => {
    const hands = await opened();
    const slider = screen.getByRole("slider", { name: "Restoration zones: opacity" });
    fireEvent.input(slider, { target: { value: "0.4" } });
    await hands.click(screen.getByRole("button", { name: "Restoration zones: up" }));
    const moved = screen.getByRole<HTMLInputElement>("slider", {
      name: "Restoration zones: opacity",
    });
    expect(moved.value).toBe("0.4");
    expect(shownTitles()[0]).toBe("Restoration zones");
  });
  it("are worked by the keyboard alone", async () => {
    const hands = await opened();
    screen.getByRole("button", { name: "Corridors: down" }).focus();
    await hands.keyboard("{Enter}");
    expect(shownTitles()).toEqual(["Restoration zones", "Corridors", "Control areas"]);
    await hands.tab();
    await hands.keyboard(" ");
    expect(shownTitles()).toHaveLength(2);
  });
});

describe("the legend", () => {
  it("names the classes of a layer with their colours", async () => {
    serveMap();
    const hands = open(<OneMap />);
    const line = await shownLine("Restoration zones");
    await hands.click(line.getByText("Legend"));
    const row = line.getByText("restoration");
    expect(row.querySelector("span")?.getAttribute("style")).toContain("#a52");
    expect(line.queryByText("No data")).toBeNull();
  });
  it("of classes says what is not known, where the service says that ground means that", async () => {
    const zones = tiles["GET /tiles/layers/{}"] as (sent: Sent) => { legend: object };
    serveMap({
      "GET /tiles/layers/{}": (sent) => {
        const told = zones(sent);
        return { ...told, legend: { ...told.legend, no_data: { label: "No data" } } };
      },
    });
    // Layers are described once to each account.
    open(<OneMap />, { lang: "zh", scopes: ["read"], query: "layer=corridors" });
    const line = await shownLine("生态廊道");
    expect(line.getByText("无数据")).toBeTruthy();
  });
  it("of a raster has its ends, the unit and what is not known", async () => {
    serveMap();
    open(<OneMap />, { lang: "zh", query: "layer=supply.cooling.xiamen" });
    const line = await shownLine("降温供给");
    expect(line.getByText(/5\s+开/)).toBeTruthy();
    expect(line.getByText("无数据")).toBeTruthy();
  });
});

describe("a layer that can no longer be had", () => {
  beforeEach(() => {
    shown.value = [{ name: "zones" }, { name: "gone" }];
    serveMap();
  });
  it("says so at its line, and can be hidden", async () => {
    const hands = open(<OneMap />);
    await shownLine("Restoration zones");
    const line = await shownLine("…");
    expect(await line.findByText("no such layer")).toBeTruthy();
    await hands.click(line.getByRole("button", { name: /hide/ }));
    expect(shownTitles()).toEqual(["Restoration zones"]);
  });
  it("takes no other layer off the map with it, and the map says what is missing", async () => {
    open(<OneMap />);
    await shownMaps();
    await waitFor(() => expect(namesOn()).toEqual(["zones?"]));
    const map = within(screen.getByRole("region", { name: "One map" }));
    expect((await map.findByRole("alert")).textContent).toContain("no such layer");
    fireEvent.click(screen.getByRole("button", { name: "…: hide" }));
    await waitFor(() => expect(map.queryByRole("alert")).toBeNull());
  });
  it("keeps nobody from showing others after it", async () => {
    const hands = open(<OneMap />);
    await shownMaps();
    await hands.click(await box("Corridors"));
    await waitFor(() => expect(namesOn()).toEqual(["zones?", "corridors?"]));
  });
});

describe("the map", () => {
  it("looks at the region", async () => {
    serveMap();
    open(<OneMap />);
    await shownMaps();
    expect(maps[0]?.bounds).toEqual([
      [117.9, 24.4],
      [118.4, 24.9],
    ]);
  });
  it("is another one in the other language, and the one before is taken away", async () => {
    serveMap();
    open(<OneMap />);
    const [before] = await shownMaps();
    await act(async () => {
      lang.value = "zh";
    });
    await waitFor(() => expect(before?.removed).toBe(true));
    await shownMaps();
    await waitFor(() => expect(namesOn()).toEqual(["zones?"]));
    expect(maps[0]?.getCanvas().getAttribute("aria-label")).toBe("地图");
  });
  it("asks for nothing that needs somebody", async () => {
    const sent = serveMap();
    open(<OneMap />);
    await shownMaps();
    await box("Corridors");
    expect(
      sent.every(({ method, headers }) => method === "GET" && !headers.has("X-CSRF-Token")),
    ).toBe(true);
  });
});
