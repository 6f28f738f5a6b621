import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import { region } from "../../kit/place";
import {
  act,
  cellsOf,
  open,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
} from "../../kit/testing";
import Monitoring from "./monitoring";
import { joined } from "./readings";
import { closest, lastOf, StationMap } from "./stations";
import { alert, around, MAP, newest, PROPERTIES, station } from "./testing";

const features = [
  station("yd", 118.1, 24.48, { interval_s: 300 }),
  station("xa", 118.25, 24.6),
  { ...station("feed", 0, 0), geometry: null },
];
const values = [
  newest("yd", { value: 1.75 }),
  newest("yd", { property: "temperature", value: 21.5, unit: "Cel", time: "2026-01-02T04:00:00Z" }),
  newest("xa", { property: "unknown-7", value: 3, unit: "1", gap: true }),
];
const alerts = [alert(), alert({ id: 10, station: "xa", level: "red", status: "acknowledged" })];

/** The map, once it has drawn what it was given. */
async function drawn(count: number) {
  const map = () => maps.at(-1);
  await waitFor(() => expect(map()?.getSource("overlay")?.data?.features).toHaveLength(count));
  return map();
}

describe("a click on the map", () => {
  const stations = joined([station("a", 118, 24), station("b", 118.01, 24)], [], []);
  it("means the nearest station", () =>
    expect(closest(stations, { lon: 118.009, lat: 24 }, 0.02)?.code).toBe("b"));
  it("far from all means none", () => {
    expect(closest(stations, { lon: 118.02, lat: 24 }, 0.005)).toBeUndefined();
    expect(closest([], { lon: 118, lat: 24 }, 0.02)).toBeUndefined();
  });
  it("never means what has no place", () => {
    const placeless = joined([{ ...station("a", 0, 0), geometry: null }], [], []);
    expect(closest(placeless, { lon: 0, lat: 0 }, 0.02)).toBeUndefined();
  });
});

it("the newest of several times is the last one, in whatever order they come", () => {
  expect(lastOf([newest("a", { time: "2026-02-01T00:00:00Z" }), newest("a")])).toBe(
    "2026-02-01T00:00:00Z",
  );
  expect(lastOf([])).toBeUndefined();
});

describe("the stations of a region", () => {
  it("are listed with state, newest values in words, and when they came", async () => {
    serve(around(features, values, alerts));
    open(<StationMap onOpen={() => {}} />, { scopes: ["read"] });
    expect(await cellsOf("Stations")).toEqual([
      [
        "Station yd",
        "orange alert",
        "Dissolved oxygen 1.75 mg/L; Water temperature 21.5 °C",
        "2026-01-02 12:00",
      ],
      ["Station xa", "red alert", "unknown-7 3", "2026-01-02 11:00"],
      ["Station feed", "no data yet", "–", "–"],
    ]);
  });
  it("are listed in Chinese", async () => {
    serve(around(features, values, alerts));
    open(<StationMap onOpen={() => {}} />, { scopes: ["read"], lang: "zh" });
    expect((await cellsOf("站点"))[0]).toEqual([
      "yd站",
      "橙色预警",
      "溶解氧 1.75 mg/L；水温 21.5 °C",
      "2026-01-02 12:00",
    ]);
  });
  it("are those of its districts, too, and so are their values", async () => {
    const sent = serve(around(features, values));
    open(<StationMap onOpen={() => {}} />);
    await cellsOf("Stations");
    const filters = sent
      .filter(({ path }) => ["/collections/stations/items", "/observations"].includes(path))
      .map(({ query }) => query.get("filter"));
    expect(filters).toEqual(Array(2).fill("region = 'xiamen' OR region LIKE 'xiamen.%'"));
  });
  it("are shown to the public without asking for alerts, which it may not know of", async () => {
    const sent = serve(around(features, values, alerts));
    open(<StationMap onOpen={() => {}} />);
    expect((await cellsOf("Stations")).map((row) => row[1])).toEqual([
      "normal",
      "silent",
      "no data yet",
    ]);
    expect(sent.some(({ path }) => path === "/alerts")).toBe(false);
  });
  it("are drawn in the colour of their state where they have a place", async () => {
    serve(around(features, values, alerts));
    open(<StationMap onOpen={() => {}} />, { scopes: ["read"] });
    await drawn(2);
    const shown = (await drawn(2))?.getSource("overlay")?.data?.features;
    expect(shown?.map(({ properties }) => [properties?.label, properties?.color])).toEqual([
      ["Station yd", "#e87500"],
      ["Station xa", "#c81e1e"],
    ]);
  });
  it("are opened by a click on the map, or by Enter at its middle", async () => {
    serve(around(features, values));
    const opened: string[] = [];
    open(<StationMap onOpen={(code) => opened.push(code)} />);
    const map = await drawn(2);
    await act(async () => map?.click(118.26, 24.6));
    await act(async () => map?.click(110, 20));
    map?.fitBounds([118, 24.38, 118.2, 24.58]);
    const key = new KeyboardEvent("keydown", { key: "Enter" });
    await act(async () => {
      map?.getCanvas().dispatchEvent(key);
    });
    expect(opened).toEqual(["xa", "yd"]);
  });
  it("are opened from the table, and stay in the address", async () => {
    const sent = serve({
      ...around(features, values),
      "GET /collections/stations/items/{}": withHeaders(features[0], {}),
    });
    const hands = open(<Monitoring />);
    await hands.click(await screen.findByRole("button", { name: "Station yd" }));
    expect(await screen.findByRole("heading", { name: "Station yd" })).toBeTruthy();
    expect(location.search).toBe("?tab=stations&station=yd");
    expect(sent.some(({ path }) => path === "/collections/stations/items/yd")).toBe(true);
    await hands.click(screen.getByRole("button", { name: "Back" }));
    expect(await cellsOf("Stations")).toHaveLength(3);
  });
  it("are none where the region has none", async () => {
    serve(around([], []));
    open(<StationMap onOpen={() => {}} />);
    expect(await screen.findByText("There are no stations here yet.")).toBeTruthy();
  });
  it("are those of another region when that is chosen", async () => {
    const sent = serve({
      ...around(features, values),
      "GET /collections/regions/items/{}": refused(404, "there is no such region"),
    });
    open(<StationMap onOpen={() => {}} />);
    await cellsOf("Stations");
    await act(async () => {
      region.value = "o'hara";
    });
    await waitFor(() =>
      expect(sent.map(({ query }) => query.get("filter"))).toContain(
        "region = 'o''hara' OR region LIKE 'o''hara.%'",
      ),
    );
  });
  it("are told whole, however many pages of values and alerts there are", async () => {
    const next = (path: string) => [{ rel: "next", href: `${location.origin}${path}` }];
    const late = [newest("feed"), alert({ id: 10, station: "feed", level: "red" })] as const;
    const sent = serve({
      ...around(features, values),
      "GET /observations": ({ query }) =>
        query.has("cursor")
          ? { observations: [late[0]], links: [] }
          : { observations: values, links: next("/observations?cursor=1") },
      "GET /alerts": ({ query }) =>
        query.has("before")
          ? { alerts: [late[1]], links: [] }
          : { alerts: [], links: query.get("status") === "open" ? next("/alerts?before=9") : [] },
    });
    open(<StationMap onOpen={() => {}} />, { scopes: ["read"] });
    const rows = await cellsOf("Stations");
    expect(rows.find(([name]) => name === "Station feed")?.slice(1, 3)).toEqual([
      "red alert",
      "Dissolved oxygen 7 mg/L",
    ]);
    const alerts = sent.filter(({ path, query }) => path === "/alerts" && !query.has("before"));
    expect(alerts.map(({ query }) => [query.get("status"), query.get("region")])).toEqual([
      ["open", "xiamen"],
      ["acknowledged", "xiamen"],
    ]);
  });
  it("are asked for again where one of the answers was a refusal", async () => {
    let down = true;
    const one = around(features, values);
    serve({
      ...one,
      "GET /observations": () =>
        down ? refused(503, "try later") : { observations: values, links: [] },
    });
    const hands = open(<StationMap onOpen={() => {}} />);
    expect(await screen.findByText("try later")).toBeTruthy();
    expect(screen.queryByRole("region", { name: "Stations" })).toBeNull();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await cellsOf("Stations")).toHaveLength(3);
  });
  it("stay quick where a province has thousands", async () => {
    const many = Array.from({ length: 3000 }, (_, n) => station(`s${n}`, 118, 24));
    serve({
      ...MAP,
      "GET /properties": PROPERTIES,
      "GET /collections/stations/items": { features: many, links: [] },
      "GET /observations": { observations: many.map(({ id }) => newest(id)), links: [] },
    });
    open(<StationMap onOpen={() => {}} />);
    const table = await screen.findByRole("table");
    // The row of titles counts.
    expect(table.getAttribute("aria-rowcount")).toBe("3001");
    expect(table.querySelectorAll("tbody tr").length).toBeLessThan(100);
  });
});
