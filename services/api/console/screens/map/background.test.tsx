import { beforeEach, describe, expect, it, vi } from "vitest";
import { recall } from "../../kit/kept";
import { background, backgrounds, chosen } from "../../kit/map/background";
import type { StillMap } from "../../kit/map/testing";
import { open, screen, waitFor } from "../../kit/testing";
import { lang } from "../../kit/words";
import OneMap, { shown } from "./map";
import { namesOn, serveMap, shownMaps } from "./testing";

// What the page says is read once, when it is opened: before anything of the console is.
vi.hoisted(() => {
  document.documentElement.dataset.basemaps = "vec cva img ter cta";
  document.documentElement.dataset.basemapsCredit = "天地图 GS(2025)0000号";
});

beforeEach(() => {
  shown.value = [{ name: "zones" }];
  chosen.value = "none";
});

const idsOn = (map?: StillMap) => (map?.layers ?? []).map(({ id }) => id);
const choice = (name = "Background map") =>
  screen.getByRole<HTMLSelectElement>("combobox", { name });

async function opened(words: "zh" | "en" = "en") {
  serveMap();
  const hands = open(<OneMap />, { lang: words });
  const [map] = await shownMaps();
  await waitFor(() => expect(namesOn(map)).toEqual(["zones?"]));
  await waitFor(() => expect(idsOn(map)).toContain("land"));
  return { hands, map };
}

describe("the background", () => {
  it("is none until one is chosen", async () => {
    const { map } = await opened();
    expect(choice().value).toBe("none");
    expect(idsOn(map).some((id) => id.startsWith("background"))).toBe(false);
  });
  it("is chosen by names in both languages", async () => {
    await opened("zh");
    const texts = [...choice("底图").options].map(({ textContent }) => textContent);
    expect(texts).toEqual(["无底图", "矢量", "影像", "地形"]);
  });
  it("has its names, where there are any, and lies above the ground and below all else", async () => {
    const { hands, map } = await opened();
    await hands.selectOptions(choice(), "Map");
    expect(idsOn(map).slice(0, 5)).toEqual([
      "ground",
      "land",
      "background:vec",
      "background:cva",
      "zones?#fill",
    ]);
    await hands.selectOptions(choice(), "Imagery");
    expect(idsOn(map).slice(0, 4)).toEqual(["ground", "land", "background:img", "zones?#fill"]);
    expect(map?.getSource("background:vec")).toBeUndefined();
    await hands.selectOptions(choice(), "No background");
    expect(idsOn(map).slice(0, 3)).toEqual(["ground", "land", "zones?#fill"]);
  });
  it("is asked of the tile service, as deep as it goes, and says whose it is", async () => {
    const { hands, map } = await opened();
    await hands.selectOptions(choice(), "Terrain");
    expect(map?.getSource("background:ter")?.given).toEqual({
      type: "raster",
      tiles: [`${location.origin}/tiles/basemaps/ter/{z}/{x}/{y}`],
      tileSize: 256,
      minzoom: 1,
      maxzoom: 14,
      attribution: "天地图 GS(2025)0000号",
    });
  });
  it("is that of the last visit, also where it is there before the land is drawn", async () => {
    chosen.value = "img";
    const { map } = await opened();
    expect(choice().value).toBe("img");
    expect(idsOn(map).slice(0, 4)).toEqual(["ground", "land", "background:img", "zones?#fill"]);
    expect(recall("map.background")).toBe("img");
  });
  it("is none where the operator offers no longer what was chosen", async () => {
    chosen.value = "osm";
    const { map } = await opened();
    expect(choice().value).toBe("none");
    expect(background.value).toBeNull();
    expect(idsOn(map).some((id) => id.startsWith("background"))).toBe(false);
  });
  it("stays on the map of the other language", async () => {
    const { hands } = await opened();
    await hands.selectOptions(choice(), "Map");
    lang.value = "zh";
    await waitFor(() => expect(screen.getByRole("combobox", { name: "底图" })).toBeTruthy());
    const [map] = await shownMaps();
    await waitFor(() => expect(idsOn(map)).toContain("background:vec"));
  });
  it("is chosen once for two maps that are compared", async () => {
    const { hands } = await opened();
    await hands.click(screen.getByRole("tab", { name: "Tools" }));
    await hands.selectOptions(screen.getByRole("combobox", { name: "How" }), "beside");
    await hands.selectOptions(
      screen.getByRole("combobox", { name: "With what" }),
      "the top vector layer a year ago",
    );
    const two = await shownMaps(2);
    await hands.selectOptions(choice(), "Imagery");
    for (const map of two) await waitFor(() => expect(idsOn(map)).toContain("background:img"));
  });
  it("says in words that it cannot be had, until another is chosen", async () => {
    const { hands, map } = await opened();
    await hands.selectOptions(choice(), "Map");
    map?.fire("error", { error: new Error("AJAXError: 503"), sourceId: "background:vec" });
    expect(await screen.findByText("The background map cannot be shown for now")).toBeTruthy();
    expect(document.body.textContent).not.toContain("AJAXError");
    await hands.selectOptions(choice(), "No background");
    expect(screen.queryByText("The background map cannot be shown for now")).toBeNull();
  });
  it("takes nothing from what other layers say of their failures", async () => {
    const { map } = await opened();
    map?.fire("error", { error: new Error("a tile is missing"), sourceId: "zones?#zones" });
    expect(await screen.findByText("the page failed: a tile is missing")).toBeTruthy();
  });
});

describe("the backgrounds that are offered", () => {
  it("are those whose own layer is named", () => {
    expect(backgrounds.map(({ id, layers }) => [id, layers])).toEqual([
      ["vec", ["vec", "cva"]],
      ["img", ["img"]],
      ["ter", ["ter", "cta"]],
    ]);
  });
});
