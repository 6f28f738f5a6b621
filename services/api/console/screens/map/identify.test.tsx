import { beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  act,
  fireEvent,
  open,
  refused,
  screen,
  waitFor,
  within,
} from "../../kit/testing";
import { lang } from "../../kit/words";
import { checked, EXECUTION, gap, hit } from "../compliance/testing";
import OneMap, { overlayOf, shown } from "./map";
import { serveMap, shownMaps } from "./testing";

const object = (
  collection: string,
  id: string,
  in_force: boolean,
  properties: Record<string, unknown>,
) => ({
  type: "Feature",
  id,
  geometry: null,
  collection,
  collection_title: `The ${collection}`,
  in_force,
  properties,
});
const PROPOSED = object("projects", "p.1", false, { name_zh: "湿地", name_en: "Wetland" });
const ZONE = object("zones", "z/1", true, {
  name_zh: "甲区",
  name_en: "Zone A",
  requirement_zh: "禁止开发",
  requirement_en: "No building",
  area_km2: 1234.5,
});

async function opened(
  identify: Answer,
  words: "zh" | "en" = "en",
  result = checked({ hits: [hit()], gaps: [gap()] }),
) {
  const sent = serveMap({ "GET /identify": identify, [EXECUTION]: { result } });
  const hands = open(<OneMap />, { lang: words });
  const [map] = await shownMaps();
  if (!map) throw new Error("no map");
  const asked = () => sent.filter(({ path }) => path === "/identify").map(({ query }) => query);
  return { hands, map, asked, sent };
}
const found = () => [...document.querySelectorAll<HTMLElement>(".found > li")];

beforeEach(() => {
  shown.value = [{ name: "zones" }];
});

describe("what is at a place", () => {
  it("leads to what is replaced, and to what is more than a place is told of", async () => {
    const title = "Zones: 3 more here, replaced by later ones";
    const links = [
      { rel: "self", href: "https://a.example/identify?lon=118", title: "This" },
      { rel: "related", href: "https://a.example/collections/zones/items?bbox=1,2,3,4", title },
    ];
    const { map } = await opened({ features: [ZONE], links });
    await act(() => map.click(118.1, 24.5));
    const more = await screen.findByRole("link", { name: title });
    const page = new URL(more.getAttribute("href") ?? "");
    expect(page.pathname).toBe("/collections/zones/items");
    expect(page.searchParams.get("f")).toBe("html");
    expect(page.searchParams.get("bbox")).toBe("1,2,3,4");
    expect(screen.queryByRole("link", { name: "This" })).toBeNull();
  });
  it("says how to ask before anybody has", async () => {
    const { hands, asked } = await opened({ features: [] });
    await hands.click(screen.getByRole("tab", { name: "What is here" }));
    expect(screen.getByText(/Click a place on the map/)).toBeTruthy();
    expect(asked()).toEqual([]);
  });
  it("is told after a click, what is in force first", async () => {
    const { map, asked } = await opened({ features: [PROPOSED, ZONE] });
    await act(() => map.click(118.12345678, 24.5));
    await waitFor(() => expect(found()).toHaveLength(2));
    expect(asked()[0]?.get("lon")).toBe("118.1234568");
    expect(found().map((one) => one.querySelector("strong")?.textContent)).toEqual([
      "Zone A",
      "Wetland",
    ]);
    const [first, second] = found().map((one) => within(one));
    expect(first?.getByText("in force")).toBeTruthy();
    expect(first?.getByText("No building")).toBeTruthy();
    expect(first?.getByText(/1,234.50 km²/)).toBeTruthy();
    expect(second?.getByText("not in force")).toBeTruthy();
    // A reload and a link show the same tab, and one goes back to the one before.
    expect(location.search).toBe("?tab=here");
    act(() => history.back());
    await screen.findByRole("tab", { name: "Layers", selected: true });
  });
  it("has rules, asked for once somebody wants them, on the day that is looked at", async () => {
    const { map, hands, sent } = await opened({ features: [ZONE] });
    await act(() => map.click(118.1, 24.5));
    const summary = await screen.findByText("Rules that hold here");
    const checks = () => sent.filter(({ path }) => path.endsWith("/execution"));
    expect(checks()).toEqual([]);
    await hands.click(summary);
    await act(async () => {
      fireEvent(summary.parentElement as HTMLElement, new Event("toggle"));
    });
    const rule = await screen.findByText(/Ecological red line: Development and building/);
    expect(rule.textContent).toContain("Forbidden");
    expect(rule.textContent).toContain("自然资发〔2022〕142号 No development within the line");
    expect(screen.getByText(/The coastal protection line is not drawn/)).toBeTruthy();
    expect(checks()[0]?.body).toMatchObject({
      inputs: { geometry: { type: "Point", coordinates: [118.1, 24.5] } },
    });
  });
  it("without rules says so", async () => {
    const { map, hands } = await opened({ features: [] }, "zh", checked());
    await act(() => map.click(118.1, 24.5));
    const summary = await screen.findByText("此处适用的规则");
    await hands.click(summary);
    await act(async () => {
      fireEvent(summary.parentElement as HTMLElement, new Event("toggle"));
    });
    expect(await screen.findByText("没有适用的规则。")).toBeTruthy();
  });
  it("has a page of its own each, in the language of who asks", async () => {
    const { map } = await opened({ features: [ZONE] }, "zh");
    await act(() => map.click(118.1, 24.5));
    const link = await screen.findByRole("link", { name: "详情" });
    const to = new URL(link.getAttribute("href") ?? "");
    expect(to.pathname).toBe("/collections/zones/items/z%2F1");
    expect(Object.fromEntries(to.searchParams)).toEqual({ f: "html", lang: "zh" });
    expect(screen.getByText("禁止开发")).toBeTruthy();
    expect(screen.getByText("有效")).toBeTruthy();
  });
  it("is shown by its code where it has no name", async () => {
    const { map } = await opened({ features: [object("zones", "z.9", true, {})] });
    await act(() => map.click(118.1, 24.5));
    expect(await screen.findByText("z.9")).toBeTruthy();
  });
  it("may be nothing", async () => {
    const { map } = await opened({ features: [] });
    await act(() => map.click(118.1, 24.5));
    expect(await screen.findByText("There is nothing here.")).toBeTruthy();
  });
  it("is asked for again where the service refused", async () => {
    let down = true;
    const { hands, map } = await opened(() =>
      down ? refused(503, "away for a minute") : { features: [ZONE] },
    );
    await act(() => map.click(118.1, 24.5));
    expect(await screen.findByText("away for a minute")).toBeTruthy();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Zone A")).toBeTruthy();
  });
  it("is told of the centre of the map for who has no mouse", async () => {
    const { map, asked } = await opened({ features: [ZONE] });
    fireEvent.keyDown(map.getCanvas(), { key: "Enter" });
    await screen.findByText("Zone A");
    expect(Number(asked()[0]?.get("lon"))).toBeCloseTo(118.15, 6);
    expect(Number(asked()[0]?.get("lat"))).toBeCloseTo(24.65, 6);
  });
  it("is not asked for by other keys", async () => {
    const { map, asked } = await opened({ features: [ZONE] });
    fireEvent.keyDown(map.getCanvas(), { key: "a" });
    expect(screen.getByRole("tab", { name: "Layers", selected: true })).toBeTruthy();
    expect(asked()).toEqual([]);
  });
  it("is asked for again in the other language", async () => {
    const { map, asked } = await opened({ features: [ZONE] });
    await act(() => map.click(118.1, 24.5));
    await screen.findByText("Zone A");
    await act(async () => {
      lang.value = "zh";
    });
    expect(await screen.findByText("甲区")).toBeTruthy();
    await waitFor(() => expect(asked()).toHaveLength(2));
  });
  it("is that of the day that was chosen", async () => {
    const { hands, map, asked } = await opened({ features: [] });
    await hands.click(screen.getByRole("tab", { name: "Tools" }));
    fireEvent.change(screen.getByLabelText("Day"), { target: { value: "2023-05-06" } });
    await act(() => map.click(118.1, 24.5));
    await waitFor(() => expect(asked()[0]?.get("as_of")).toBe("2023-05-06"));
  });
  it("is marked on the map", async () => {
    const { map } = await opened({ features: [] });
    await act(() => map.click(118.1, 24.5));
    await waitFor(() =>
      expect(map.getSource("overlay")?.data?.features.map(({ geometry }) => geometry)).toEqual([
        { type: "Point", coordinates: [118.1, 24.5] },
      ]),
    );
  });
});

describe("the coordinates of a place", () => {
  // On a central meridian at the equator: 0 m north, and 500 km east by definition.
  it("are those of CGCS2000 in degrees, and of its Gauss-Krüger zone", async () => {
    const { map } = await opened({ features: [] });
    await act(() => map.click(117, 0));
    expect(await screen.findByText("117°00′00.00″ 0°00′00.00″")).toBeTruthy();
    expect(screen.getByText(/X 0.00 Y 500000.00/)).toBeTruthy();
    expect(screen.getByText("3° zone 39, central meridian 117°")).toBeTruthy();
  });
  it("change their zone half-way between two meridians", async () => {
    const { map } = await opened({ features: [] }, "zh");
    await act(() => map.click(118.49, 0));
    expect(await screen.findByText("3°带第 39 带，中央经线 117°")).toBeTruthy();
    await act(() => map.click(118.51, 0));
    expect(await screen.findByText("3°带第 40 带，中央经线 120°")).toBeTruthy();
  });
});

describe("what the screen draws itself", () => {
  it("is nothing at first", () => {
    expect(overlayOf(null, null).features).toEqual([]);
  });
  it.each([
    ["a point alone", [[118, 24]], ["Point"]],
    [
      "a line of two",
      [
        [118, 24],
        [119, 24],
      ],
      ["LineString", "Point", "Point"],
    ],
    [
      "an area of three",
      [
        [118, 24],
        [119, 24],
        [119, 25],
      ],
      ["Polygon", "Point", "Point", "Point"],
    ],
  ])("is %s of what is measured", (_, line, types) => {
    expect(overlayOf(null, line).features.map(({ geometry }) => geometry.type)).toEqual(types);
  });
  it("closes the ring of an area", () => {
    const line = [
      [118, 24],
      [119, 24],
      [119, 25],
    ];
    expect(overlayOf(null, line).features[0]?.geometry).toEqual({
      type: "Polygon",
      coordinates: [[...line, [118, 24]]],
    });
  });
  it("keeps the place that was asked about apart by its colour", () => {
    const { features } = overlayOf({ lon: 118, lat: 24 }, [[119, 24]]);
    const colors = features.map(({ properties }) => properties?.color);
    expect(new Set(colors).size).toBe(2);
  });
});
