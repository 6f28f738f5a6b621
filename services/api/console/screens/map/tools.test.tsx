import { beforeEach, describe, expect, it, vi } from "vitest";
import { act, cleanup, fireEvent, open, screen, waitFor, within } from "../../kit/testing";
import { lang } from "../../kit/words";
import { moveTogether } from "./compared";
import OneMap, { rightOf, shown, yearBefore } from "./map";
import { namesOn, serveMap, shownMaps } from "./testing";

/** The tools, on a day that a test says. */
async function tools(day = "2026-03-15", words: "zh" | "en" = "en") {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(`${day}T04:00:00Z`) });
  const sent = serveMap({ "GET /identify": { features: [] } });
  const hands = open(<OneMap />, { lang: words });
  await hands.click(screen.getByRole("tab", { name: words === "en" ? "Tools" : "工具" }));
  const [map] = await shownMaps();
  if (!map) throw new Error("no map");
  return { hands, map, sent };
}

beforeEach(() => {
  shown.value = [{ name: "zones" }];
});

describe("the state of a day", () => {
  const slider = () => screen.getByRole<HTMLInputElement>("slider", { name: "Month" });
  const day = () => screen.getByLabelText<HTMLInputElement>("Day");
  const slide = (months: number) =>
    fireEvent.input(slider(), { target: { value: String(months) } });

  it("is today's at first, which needs no day in what is asked", async () => {
    const { map } = await tools();
    expect(slider().getAttribute("aria-valuetext")).toBe("today");
    expect(day().value).toBe("2026-03-15");
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?"]));
    expect(screen.getByRole("button", { name: "Today" }).hasAttribute("disabled")).toBe(true);
  });
  it.each([
    [-1, "2026-02-01"],
    [-3, "2025-12-01"],
    [-120, "2016-03-01"],
  ])("is that of the month's first day %s months away", async (months, first) => {
    const { map } = await tools();
    slide(months);
    expect(day().value).toBe(first);
    expect(slider().getAttribute("aria-valuetext")).toBe(first);
    await waitFor(() => expect(namesOn(map)).toEqual([`zones?as_of=${first}`]));
  });
  it("is not asked of rasters, which are of their own day, as is said by the slider", async () => {
    shown.value = [{ name: "supply.cooling.xiamen" }, { name: "zones" }];
    const { map } = await tools();
    const told = "Raster layers are of their own day, whichever day is chosen.";
    expect(screen.queryByText(told)).toBeNull();
    slide(-1);
    await waitFor(() =>
      expect(namesOn(map)).toEqual(["zones?as_of=2026-02-01", "supply.cooling.xiamen?"]),
    );
    expect(screen.getByText(told)).toBeTruthy();
    const rasters = new Map([["supply.cooling.xiamen", true]]);
    expect(rightOf("@2025-01-01", shown.value, rasters)?.name).toBe("zones");
    expect(rightOf("@2025-01-01", [{ name: "supply.cooling.xiamen" }], rasters)).toBeNull();
  });
  it("is chosen to the day, and the slider follows to its month", async () => {
    const { map } = await tools();
    fireEvent.change(day(), { target: { value: "2025-01-20" } });
    expect(slider().value).toBe("-14");
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?as_of=2025-01-20"]));
  });
  it.each([
    ["the slider's end", () => slide(0)],
    ["today's date", () => fireEvent.change(day(), { target: { value: "2026-03-15" } })],
    ["an emptied date", () => fireEvent.change(day(), { target: { value: "" } })],
  ])("is today's again by %s", async (_, back) => {
    const { map } = await tools();
    slide(-6);
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?as_of=2025-09-01"]));
    back();
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?"]));
  });
  it("is today's again by the button", async () => {
    const { hands, map } = await tools();
    slide(-2);
    await hands.click(screen.getByRole("button", { name: "Today" }));
    expect(day().value).toBe("2026-03-15");
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?"]));
  });
  it("is the bureau's day, which begins before that of Greenwich", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-03-15T17:00:00Z") });
    serveMap();
    const hands = open(<OneMap />);
    await hands.click(screen.getByRole("tab", { name: "Tools" }));
    expect(day().value).toBe("2026-03-16");
    expect(day().max).toBe("2026-03-16");
  });
});

describe("a year before", () => {
  it.each([
    ["2026-03-15", "2025-03-15"],
    ["2024-02-29", "2023-02-28"],
    ["2025-02-28", "2024-02-28"],
  ])("%s is %s", (now, before) => expect(yearBefore(now)).toBe(before));
});

describe("two maps", () => {
  const how = () => screen.getByRole("combobox", { name: "How" });
  const what = () => screen.getByRole("combobox", { name: "With what" });
  async function compared(option = "Corridors") {
    const opened = await tools();
    await within(what()).findByRole("option", { name: option });
    await opened.hands.selectOptions(what(), option);
    const both = await shownMaps(2);
    return { ...opened, both: [...both] };
  }

  it("are offered with the layers of the region", async () => {
    await tools();
    await within(what()).findByRole("option", { name: "Corridors" });
    const options = within(what()).getAllByRole("option");
    expect(options.map(({ textContent }) => textContent)).toEqual([
      "(choose)",
      "the top vector layer a year ago",
      "Restoration zones",
      "Corridors",
      "Control areas",
      "Supply of cooling",
    ]);
  });
  it("are swept over each other as soon as something is chosen", async () => {
    const { both } = await compared();
    expect((how() as HTMLSelectElement).value).toBe("swipe");
    await waitFor(() => expect(both.map((map) => namesOn(map))).toContainEqual(["corridors?"]));
    expect(both.map((map) => namesOn(map))).toContainEqual(["zones?"]);
    expect(screen.getByRole("region", { name: "Left map" })).toBeTruthy();
    expect(screen.getByRole("region", { name: "Right map" })).toBeTruthy();
  });
  it("show as much of the right one as the divider leaves", async () => {
    await compared();
    const divider = screen.getByRole("slider", { name: "Divider" });
    const over = document.querySelector<HTMLElement>(".second");
    expect(over?.style.clipPath).toBe("inset(0 0 0 50%)");
    fireEvent.input(divider, { target: { value: "20" } });
    await waitFor(() => expect(over?.style.clipPath).toBe("inset(0 0 0 20%)"));
  });
  it("stand whole beside each other", async () => {
    const { hands } = await compared();
    await hands.selectOptions(how(), "side by side");
    const over = document.querySelector<HTMLElement>(".second");
    await waitFor(() => expect(over?.style.clipPath).toBe(""));
    expect(screen.queryByRole("slider", { name: "Divider" })).toBeNull();
    expect(document.querySelector(".compared.beside")).toBeTruthy();
  });
  it("show the top layer now and a year ago", async () => {
    const { both } = await compared("the top vector layer a year ago");
    await waitFor(() =>
      expect(both.map((map) => namesOn(map)).sort()).toEqual([
        ["zones?"],
        ["zones?as_of=2025-03-15"],
      ]),
    );
  });
  it("do not offer another day where all that is shown are rasters", async () => {
    shown.value = [{ name: "supply.cooling.xiamen" }];
    await tools();
    await within(what()).findByRole("option", { name: "Corridors" });
    await waitFor(() =>
      expect(
        within(what()).queryByRole("option", { name: "the top vector layer a year ago" }),
      ).toBeNull(),
    );
  });
  it("are both told on paper", async () => {
    await compared();
    const paper = document.querySelector<HTMLElement>(".on-paper");
    await waitFor(() => expect(paper?.textContent).toContain("Corridors"));
    expect(paper?.textContent).toContain("Restoration zones");
  });
  it("are one again when nothing is compared", async () => {
    const { hands } = await compared();
    await hands.selectOptions(how(), "not at all");
    const [map] = await shownMaps(1);
    await waitFor(() => expect(namesOn(map)).toEqual(["zones?"]));
  });
  it("tell what is at a place that either is clicked at", async () => {
    const { both, sent } = await compared();
    await act(() => both[1]?.click(118.2, 24.6));
    expect(await screen.findByText("There is nothing here.")).toBeTruthy();
    expect(sent.find(({ path }) => path === "/identify")?.query.get("lon")).toBe("118.2000000");
  });
  it("both show what is measured", async () => {
    const { hands, both } = await compared();
    await hands.click(screen.getByRole("button", { name: "Start" }));
    await act(() => both[0]?.click(118.2, 24.6));
    for (const map of both)
      await waitFor(() => expect(map.getSource("overlay")?.data?.features).toHaveLength(1));
  });
  it("are measured on as one", async () => {
    const { hands, both } = await compared();
    await hands.click(screen.getByRole("button", { name: "Start" }));
    await act(() => both[0]?.click(118.2, 0));
    await act(() => both[1]?.click(118.201, 0));
    expect(await screen.findByText("111.3 m")).toBeTruthy();
  });
});

describe("maps that move together", () => {
  const pane = (lng: number) => {
    const moves: object[] = [];
    const handlers = new Set<() => void>();
    return {
      moves,
      move: () => {
        for (const handler of handlers) handler();
      },
      map: {
        on: (_: string, handler: () => void) => handlers.add(handler),
        off: (_: string, handler: () => void) => handlers.delete(handler),
        getCenter: () => ({ lng, lat: 24 }),
        getZoom: () => 9,
        jumpTo(view: object) {
          moves.push(view);
          // As MapLibre does, which tells of each move.
          for (const handler of handlers) handler();
        },
      },
    };
  };
  it("follow whichever is moved, once, and stay when they are let go", () => {
    const [left, right] = [pane(118), pane(119)];
    const end = moveTogether([left, right] as never);
    left.move();
    expect(right.moves).toEqual([{ center: { lng: 118, lat: 24 }, zoom: 9 }]);
    expect(left.moves).toEqual([]);
    right.move();
    expect(left.moves).toEqual([{ center: { lng: 119, lat: 24 }, zoom: 9 }]);
    end();
    left.move();
    expect(right.moves).toHaveLength(1);
  });
});

describe("measuring", () => {
  const start = () => screen.getByRole("button", { name: "Start" });
  const points = async (map: { click: (lon: number, lat: number) => void }, ...at: number[][]) => {
    for (const [lon = 0, lat = 0] of at) await act(() => map.click(lon, lat));
  };
  const fact = (name: string) =>
    screen.queryByText(name, { selector: "dt" })?.nextElementSibling?.textContent ?? null;

  // A hundredth of a degree on the equator: 6378137 m × π / 18000 = 1113.195 m; one along the
  // meridian there: 6335439 m × π / 18000 = 1105.743 m.
  it("adds up the length of a line, in metres and then in kilometres", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    await points(map, [117, 0], [117.001, 0]);
    expect(fact("Length")).toBe("111.3 m");
    await points(map, [117.011, 0]);
    expect(fact("Length")).toBe("1.225 km");
  });
  it("tells the area within three points and more in the three units", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    await points(map, [117, 0], [117.01, 0]);
    expect(fact("Area, closed")).toBeNull();
    await points(map, [117.01, 0.01], [117, 0.01]);
    expect(fact("Area, closed")).toMatch(/^1\.2309 km²123\.09\d\d ha1,846\.3\d mu$/);
  });
  it("lists each corner in degrees and in the plane", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    await points(map, [117, 0]);
    expect(fact("1")).toBe(
      "117°00′00.00″ 0°00′00.00″X 0.00 · Y 500,000.00 (central meridian 117°)",
    );
    expect(screen.getByText("1 point")).toBeTruthy();
  });
  it("asks nothing of the places that are clicked", async () => {
    const { hands, map, sent } = await tools();
    await hands.click(start());
    await points(map, [117, 0], [118, 0]);
    expect(sent.some(({ path }) => path === "/identify")).toBe(false);
    expect(screen.getByRole("tab", { name: "Tools", selected: true })).toBeTruthy();
  });
  it("takes points by the keyboard at the centre of the map", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    map.fitBounds([117, 0, 117, 0]);
    fireEvent.keyDown(map.getCanvas(), { key: "Enter" });
    map.fitBounds([117.01, 0, 117.01, 0]);
    fireEvent.keyDown(map.getCanvas(), { key: "Enter" });
    await waitFor(() => expect(fact("Length")).toBe("1.113 km"));
  });
  it("takes points that are typed as a search", async () => {
    const { hands } = await tools();
    await hands.click(start());
    await hands.type(screen.getByRole("searchbox"), "117 0{Enter}");
    await hands.clear(screen.getByRole("searchbox"));
    await hands.type(screen.getByRole("searchbox"), "117.01 0{Enter}");
    expect(fact("Length")).toBe("1.113 km");
  });
  it("takes back a point at a time", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    const undo = () => screen.getByRole("button", { name: "Undo a point" });
    expect(undo().hasAttribute("disabled")).toBe(true);
    await points(map, [117, 0], [117.01, 0], [118, 0]);
    await hands.click(undo());
    expect(fact("Length")).toBe("1.113 km");
    await hands.click(undo());
    await hands.click(undo());
    expect(fact("Length")).toBe("0.0 m");
    expect(undo().hasAttribute("disabled")).toBe(true);
  });
  it("ends by the same button, takes the line away, and clicks ask again", async () => {
    const { hands, map, sent } = await tools();
    await hands.click(start());
    await points(map, [117, 0], [117.01, 0]);
    await waitFor(() => expect(map.getSource("overlay")?.data?.features).toHaveLength(3));
    const stop = screen.getByRole("button", { name: "Stop" });
    expect(stop.getAttribute("aria-pressed")).toBe("true");
    await hands.click(stop);
    await waitFor(() => expect(map.getSource("overlay")?.data?.features).toEqual([]));
    await points(map, [118, 24]);
    await waitFor(() => expect(sent.some(({ path }) => path === "/identify")).toBe(true));
  });
  it("goes on in the other language with the points there are", async () => {
    const { hands, map } = await tools();
    await hands.click(start());
    await points(map, [117, 0], [117.01, 0]);
    await act(async () => {
      lang.value = "zh";
    });
    expect(fact("长度")).toBe("1.113 km");
    expect(screen.getByText("2 个点")).toBeTruthy();
  });
});

it("the page is printed as it stands", async () => {
  const print = vi.fn();
  vi.stubGlobal("print", print);
  const { hands } = await tools("2026-03-15", "zh");
  await hands.click(screen.getByRole("button", { name: "打印" }));
  expect(print).toHaveBeenCalledOnce();
  const paper = document.querySelector(".on-paper");
  await waitFor(() => expect(paper?.textContent).toContain("修复分区"));
  expect(paper?.textContent).toContain("2026-03-15 的状态");
});

it("a picture of the map is laid over it while one prints, with its scale", async () => {
  const { map } = await tools();
  const container = map.getContainer();
  const pictures = () => container.querySelectorAll("canvas.picture").length;
  const scale = document.createElement("div");
  scale.className = "maplibregl-ctrl-scale";
  scale.style.width = "90px";
  Object.defineProperty(scale, "offsetWidth", { value: 90 });
  Object.defineProperty(container, "clientWidth", { value: 900 });
  container.append(scale);
  dispatchEvent(new Event("beforeprint"));
  expect(pictures()).toBe(1);
  // Drawn at once and finer, then as usual again.
  expect(map.redrawn).toEqual([2]);
  expect(map.getPixelRatio()).toBe(1);
  expect(scale.style.width).toBe("10%");
  dispatchEvent(new Event("afterprint"));
  expect(pictures()).toBe(0);
  expect(scale.style.width).toBe("90px");
});

it("a map that is gone is not printed", async () => {
  const { map } = await tools();
  cleanup();
  await waitFor(() => expect(map.removed).toBe(true));
  dispatchEvent(new Event("beforeprint"));
  expect(map.redrawn).toEqual([]);
});
