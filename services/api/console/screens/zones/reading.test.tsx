import { describe, expect, it } from "vitest";
import type { LayerListed } from "../../kit/map/layers";
import { maps } from "../../kit/map/testing";
import { chooseRegion, region } from "../../kit/place";
import { act, open, refused, screen, waitFor, within } from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { APPROVER, collection, PLANNER, scheme, ZONES, zone, zoned } from "./testing";
import Zones from "./zones";

const versions = () =>
  screen.findByRole<HTMLSelectElement>("combobox", { name: /Scheme and version|分区方案与版本/ });
const bar = (name: RegExp) => screen.findByRole("button", { name });
const overlay = () => maps[0]?.getSource("overlay")?.data?.features ?? [];
const opacities = () => overlay().map(({ properties }) => properties?.opacity);

describe("schemes and versions", () => {
  it("are listed with their states, and the one in force is shown", async () => {
    const sent = zoned();
    open(<Zones />);
    const list = await versions();
    expect(
      within(list)
        .getAllByRole("option")
        .map(({ textContent }) => textContent),
    ).toEqual(["Zoning of Xiamen · version 2 · draft", "Zoning of Xiamen · version 1 · in force"]);
    expect(list.value).toBe("xm@1");
    await bar(/Conservation/);
    const asked = sent.find(({ path }) => path === "/collections/zones/items")?.query;
    expect([asked?.get("scheme"), asked?.get("version")]).toEqual(["xm", "1"]);
    expect(screen.getByText("computed")).toBeTruthy();
  });
  it("have Chinese words, and since when they hold", async () => {
    zoned([scheme(3, "published", { valid_from: "2025-07-01" })]);
    open(<Zones />, { lang: "zh" });
    expect(await screen.findByText("计算，自 2025-07-01 起")).toBeTruthy();
    expect((await versions()).textContent).toBe("厦门分区 · 第 3 版 · 现行");
  });
  it.each([
    ["xm@2", "xm@2", "a version"],
    ["xm", "xm@2", "a scheme, whose newest version it is"],
    ["xm@9", "xm@2", "a version that is not there, for which the newest stands"],
  ])("%s of a link is %s: %s", async (asked, shown) => {
    zoned();
    open(<Zones />, { query: `scheme=${asked}` });
    await waitFor(async () => expect((await versions()).value).toBe(shown));
  });
  it("of a link that are not there are told, and the one in force stands", async () => {
    const gone = { "GET /collections/zone_schemes/items/other": refused(404, "no such zoning") };
    zoned(undefined, gone);
    open(
      <>
        <Zones />
        <Notices />
      </>,
      { query: "scheme=other@9" },
    );
    expect(await screen.findByText("no such zoning")).toBeTruthy();
    expect((await versions()).value).toBe("xm@1");
  });
  it("of a link to another region are shown with that region, until one goes on", async () => {
    const far = scheme(1, "review", { code: "far", region: "banan" });
    const sent = zoned(undefined, {
      "GET /collections/zone_schemes/items": ({ query }) =>
        collection(query.get("region") === "banan" ? [far] : [scheme(1, "published")]),
      "GET /collections/zone_schemes/items/far": far,
      "GET /collections/regions/items/banan": { geometry: null, properties: {} },
    });
    open(<Zones />, { query: "scheme=far" });
    expect((await versions()).value).toBe("far@1");
    expect(region.value).toBe("banan");
    const drawn = sent.filter(({ path }) => path === "/collections/zones/items");
    expect(drawn.map(({ query }) => query.get("scheme"))).not.toContain("xm");
    act(() => chooseRegion("xiamen"));
    await waitFor(async () => expect((await versions()).value).toBe("xm@1"));
    expect(region.value).toBe("xiamen");
    await waitFor(() => expect(location.search).toBe(""));
  });
  it("and the tab are kept in the address, for going back and for sending a link", async () => {
    zoned();
    const hands = open(<Zones />, { query: "tab=approve" });
    const shown = () => screen.getByRole("tab", { selected: true }).textContent;
    await hands.selectOptions(await versions(), "xm@2");
    expect(location.search).toBe("?scheme=xm%402&tab=approve");
    await hands.click(screen.getByRole("tab", { name: "Compare" }));
    expect(location.search).toBe("?scheme=xm%402&tab=compare");
    expect(shown()).toBe("Compare");
    act(() => history.back());
    await waitFor(() => expect(shown()).toBe("Approval"));
    expect((await versions()).value).toBe("xm@2");
  });
  it("are changed, and no zone of the one before stands under the other", async () => {
    zoned(undefined, {
      "GET /collections/zones/items": ({ query }) =>
        query.get("version") === "2" ? refused(503, "too busy") : collection(ZONES),
    });
    const hands = open(<Zones />);
    await bar(/Conservation/);
    await hands.selectOptions(await versions(), "xm@2");
    expect(await screen.findByText("too busy")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Conservation/ })).toBeNull();
    expect(overlay()).toEqual([]);
  });
  it("may be none yet", async () => {
    zoned([]);
    open(<Zones />);
    expect(await screen.findByText("The region has no zoning yet.")).toBeTruthy();
    expect(screen.queryByRole("combobox")).toBeNull();
  });
  it("are asked for again where they were refused", async () => {
    let down = true;
    zoned(undefined, {
      "GET /collections/zone_schemes/items": () =>
        down ? refused(503, "away") : collection([scheme(1, "published")]),
    });
    const hands = open(<Zones />);
    const alert = await screen.findByRole("alert");
    down = false;
    await hands.click(within(alert).getByRole("button"));
    expect((await versions()).value).toBe("xm@1");
  });
});

describe("areas on chart and map", () => {
  it("are summed by class: 70 of 100 km², and 30", async () => {
    zoned();
    open(<Zones />);
    expect((await bar(/Conservation/)).textContent).toContain("70.00 km² · 70.0%");
    expect((await bar(/Restoration/)).textContent).toContain("30.00 km² · 30.0%");
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
  });
  it("stand out by the bar of their class, and no longer by the same", async () => {
    zoned();
    const hands = open(<Zones />);
    await hands.click(await bar(/Conservation/));
    expect((await bar(/Conservation/)).getAttribute("aria-pressed")).toBe("true");
    await waitFor(() => expect(opacities()).toEqual([0.9, 0.9, 0.18]));
    await hands.click(await bar(/Conservation/));
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
  });
  it("are chosen by the keyboard", async () => {
    zoned();
    const hands = open(<Zones />);
    (await bar(/Restoration/)).focus();
    await hands.keyboard("{Enter}");
    expect((await bar(/Restoration/)).getAttribute("aria-pressed")).toBe("true");
  });
  it("are chosen by a click on the map, and let go by another", async () => {
    zoned();
    open(<Zones />);
    await bar(/Conservation/);
    await waitFor(() => expect(maps).toHaveLength(1));
    const [map] = maps;
    if (map) map.rendered = [{ properties: { code: "2" } }];
    await act(() => map?.click(118.15, 24.05));
    await waitFor(() => expect(opacities()).toEqual([0.18, 0.9, 0.18]));
    expect(screen.getByText("Zone 2")).toBeTruthy();
    expect((await bar(/Conservation/)).getAttribute("aria-pressed")).toBe("true");
    await act(() => map?.click(118.15, 24.05));
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
  });
  it("are let go by a click beside them", async () => {
    zoned();
    const hands = open(<Zones />);
    await hands.click(await bar(/Conservation/));
    await waitFor(() => expect(maps).toHaveLength(1));
    await act(() => maps[0]?.click(100, 10));
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
  });
});

describe("requirements", () => {
  const listed = () =>
    [...document.querySelectorAll(".zone-list li")].map(({ textContent }) => textContent?.trim());
  it("are those of all classes, then of the chosen one", async () => {
    zoned();
    const hands = open(<Zones />);
    await bar(/Conservation/);
    expect(listed()).toEqual([
      "ConservationLeft to nature2 zones",
      "RestorationNo requirement is stated.",
    ]);
    await hands.click(await bar(/Restoration/));
    expect(listed()).toEqual(["RestorationNo requirement is stated."]);
  });
  it("stand with what is said of a zone", async () => {
    const told = zone("7", "keep", 118, 5);
    Object.assign(told.properties, {
      location_zh: "东部沿海",
      functions_zh: ["水源涵养", "固碳"],
      problems_zh: ["岸线受损"],
    });
    zoned(undefined, { "GET /collections/zones/items": collection([told]) });
    open(<Zones />, { lang: "zh" });
    await bar(/保育区/);
    await waitFor(() => expect(maps).toHaveLength(1));
    if (maps[0]) maps[0].rendered = [{ properties: { code: "7" } }];
    await act(() => maps[0]?.click(118.05, 24.05));
    const fact = (name: string) =>
      screen.getByText(name, { selector: "dt" }).nextElementSibling?.textContent;
    await screen.findByText("位置");
    expect(fact("位置")).toBe("东部沿海");
    expect(fact("主导功能")).toBe("水源涵养、固碳");
    expect(fact("主要问题")).toBe("岸线受损");
  });
});

describe("consensus and doubt", () => {
  const layer = (id: string, title_en: string): LayerListed => ({
    id,
    kind: "raster",
    title_zh: "稳定性",
    title_en,
    theme: "stability",
    bounds: null,
    version: "1",
  });
  const legend = { kind: "ramp", entries: [], unit: "", unit_zh: "", unit_en: "" };
  const MADE: Record<string, string[]> = {
    j1: ["ratio", "stability", "zone_agreement"],
    j2: ["ratio", "stability"],
    j3: ["ratio"],
    j4: ["stability"],
    j5: ["stability", "zone_agreement"],
  };
  /** As the service answers: it lists the newest of the region, and finds each job's by name. */
  const computed = (schemes = [scheme(1, "published", { job: "j1" }), scheme(2, "draft")]) =>
    zoned(schemes, {
      "GET /collections/datasets/items": ({ query }) =>
        collection(
          (MADE[query.get("job") ?? ""] ?? []).map((theme) => ({
            id: theme,
            properties: { theme },
          })),
        ),
      "GET /tiles/layers/zone_agreement.j1": { ...layer("zone_agreement.j1", "Agreement"), legend },
      "GET /tiles/layers": { layers: [layer("stability.xiamen", "Newest")] },
      "GET /tiles/layers/stability.xiamen": { ...layer("stability.xiamen", "Newest"), legend },
      "GET /tiles/layers/stability.j1": { ...layer("stability.j1", "Stability 1"), legend },
      "GET /tiles/layers/stability.j2": { ...layer("stability.j2", "Stability 2"), legend },
      "GET /tiles/layers/stability.j4": refused(503, "tiles are away"),
      "GET /tiles/layers/stability.j5": { ...layer("stability.j5", "Stability 5"), legend },
      "GET /tiles/layers/zone_agreement.j5": refused(404, "there is no layer"),
    });
  it("are laid under the outlines of the zones", async () => {
    computed();
    const hands = open(<Zones />);
    await hands.click(await screen.findByRole("checkbox", { name: /Stability 1/ }));
    await waitFor(() => expect(opacities()).toEqual([0, 0, 0]));
    expect(await screen.findByText("No data")).toBeTruthy();
    await hands.click(screen.getByRole("checkbox", { name: /Stability 1/ }));
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
  });
  it("show one layer at a time", async () => {
    computed();
    const hands = open(<Zones />);
    const box = (name: string) => screen.getByRole<HTMLInputElement>("checkbox", { name });
    await screen.findByRole("checkbox", { name: "Show on the map: Agreement" });
    await hands.click(box("Show on the map: Agreement"));
    expect(box("Show on the map: Agreement").checked).toBe(true);
    await hands.click(box("Show on the map: Stability 1"));
    expect(box("Show on the map: Agreement").checked).toBe(false);
  });
  it("begin with what the computation says of its zones, and how much of each holds", async () => {
    const flags = [
      { code: "low_coverage", detail: "holes", detail_zh: "有缺" },
      { code: "robustness", detail: "The zones are weak.", detail_zh: "分区不够稳健。" },
    ];
    zoned(undefined, {
      "GET /collections/zones/items": collection(
        ZONES.map((one, n) => ({
          ...one,
          properties: { ...one.properties, flags, statistics: { held_percent: 57.4 + n } },
        })),
      ),
    });
    open(<Zones />);
    expect(await screen.findByText("The zones are weak.")).toBeTruthy();
    expect(screen.queryByText("holes")).toBeNull();
    expect(await screen.findByText("57 % keeps its zone")).toBeTruthy();
  });
  it("are those of each version's own job, of a draft too", async () => {
    computed([scheme(1, "published", { job: "j1" }), scheme(2, "draft", { job: "j2" })]);
    const hands = open(<Zones />);
    await screen.findByRole("checkbox", { name: /Stability 1/ });
    await hands.selectOptions(await versions(), "xm@2");
    expect(await screen.findByRole("checkbox", { name: /Stability 2/ })).toBeTruthy();
    expect(screen.queryByRole("checkbox", { name: /Stability 1|Newest/ })).toBeNull();
  });
  it("do not stay for a version that was drawn, which says that it has none", async () => {
    computed();
    const hands = open(<Zones />);
    await hands.click(await screen.findByRole("checkbox", { name: /Stability 1/ }));
    await hands.selectOptions(await versions(), "xm@2");
    await bar(/Conservation/);
    await waitFor(() => expect(opacities()).toEqual([0.55, 0.55, 0.55]));
    expect(await screen.findByText(/This version was not computed/)).toBeTruthy();
    expect(screen.queryByRole("checkbox")).toBeNull();
  });
  it("are not asked for where the job tested none, whatever is newest of the region", async () => {
    const sent = computed([scheme(1, "published", { job: "j3" })]);
    open(<Zones />);
    expect(await screen.findByText(/did not test how robust it is/)).toBeTruthy();
    expect(screen.queryByRole("checkbox")).toBeNull();
    expect(sent.filter(({ path }) => path.endsWith(".j3"))).toEqual([]);
  });
  it("are asked for by their names alone, and left out where the tile service hides them", async () => {
    const sent = computed([scheme(1, "published", { job: "j5" })]);
    open(<Zones />);
    expect(await screen.findByRole("checkbox", { name: /Stability 5/ })).toBeTruthy();
    expect(screen.getAllByRole("checkbox")).toHaveLength(1);
    const asked = sent.filter(({ path }) => path.endsWith(".j5")).map(({ path }) => path);
    expect(asked.sort()).toEqual(["/tiles/layers/stability.j5", "/tiles/layers/zone_agreement.j5"]);
  });
  it("say so where they cannot be read", async () => {
    computed([scheme(1, "published", { job: "j4" })]);
    open(<Zones />);
    expect(await screen.findByText("tiles are away")).toBeTruthy();
  });
});

describe("what writes", () => {
  it("is not there for the public, not by a link either", async () => {
    zoned();
    open(<Zones />, { query: "tab=edit&scheme=xm@2" });
    await versions();
    expect(screen.getByRole("tab", { selected: true }).textContent).toBe("Areas");
    expect(screen.queryByRole("tab", { name: "Edit" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Merge" })).toBeNull();
  });
  it("is not there for a viewer", async () => {
    zoned();
    const hands = open(<Zones />, {
      scopes: ["read"],
      roles: [{ role: "viewer", region: "xiamen" }],
    });
    await hands.click(await screen.findByRole("tab", { name: "Approval" }));
    expect(await screen.findByText("There is no step for you to take.")).toBeTruthy();
    expect(screen.queryByRole("tab", { name: "Edit" })).toBeNull();
  });
  it.each([
    ["an approver of the region", APPROVER],
    ["a planner of another region", { ...PLANNER, roles: [{ role: "planner", region: "banan" }] }],
  ] as const)("is not there for %s, whom the service would refuse", async (_, who) => {
    zoned();
    open(<Zones />, { ...who, query: "tab=edit&scheme=xm@2" });
    await versions();
    expect(screen.getByRole("tab", { selected: true }).textContent).toBe("Areas");
    expect(screen.queryByRole("tab", { name: "Edit" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Merge" })).toBeNull();
  });
  it("is there for an analyst", async () => {
    zoned();
    open(<Zones />, {
      ...PLANNER,
      roles: [{ role: "analyst", region: "xiamen" }],
      query: "tab=edit&scheme=xm@2",
    });
    expect(await screen.findByRole("button", { name: "Merge" })).toBeTruthy();
  });
  it("is there for a planner", async () => {
    zoned();
    open(<Zones />, { ...PLANNER, query: "tab=edit&scheme=xm@2" });
    expect(await screen.findByRole("button", { name: "Merge" })).toBeTruthy();
  });
});
