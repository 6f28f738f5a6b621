import { describe, expect, it } from "vitest";
import type { LayerListed } from "../../kit/map/layers";
import { chooseRegion, regions } from "../../kit/place";
import {
  type Answer,
  act,
  cellsOf,
  open,
  placed,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  within,
} from "../../kit/testing";
import { follow, jobOf } from "../../kit/testing_jobs";
import type { Lang } from "../../kit/words";
import { Coverage } from "./coverage";
import Data from "./data";
import { Exports } from "./exports";

const offered = (id: string, title: string, formats: Record<string, string>) => ({
  id,
  title,
  links: [
    { rel: "items", href: `${location.origin}/collections/${id}/items?f=html`, title },
    ...Object.entries(formats).map(([f, title]) => ({
      rel: "enclosure",
      href: `${location.origin}/collections/${id}/items?f=${f}`,
      title,
    })),
  ],
});
const spatial = { csv: "CSV", gpkg: "GeoPackage", shp: "Zipped Shapefile", parquet: "GeoParquet" };
const layer = (id: string, en: string, bounds: LayerListed["bounds"] = null): LayerListed => ({
  id,
  kind: "raster",
  title_zh: en,
  title_en: en,
  theme: id,
  bounds,
  version: "1",
});
const given: Record<string, Answer> = {
  "GET /collections": {
    collections: [
      offered("zones", "Zones", spatial),
      offered("indicators", "Indicators", { csv: "CSV" }),
    ],
  },
  "GET /collections/zones/schema": {
    properties: { geometry: {}, code: { title: "Code" }, region: { title: "Region" }, plan: {} },
  },
  "GET /collections/indicators/schema": { properties: { code: {}, year: {} } },
  "GET /tiles/layers": { layers: [layer("dem", "Elevation"), layer("ndvi", "Greenness")] },
  "GET /collections/regions/items/{}": {
    geometry: {
      type: "MultiPoint",
      coordinates: [
        [118, 24],
        [119, 25],
      ],
    },
  },
  "GET /processes": { processes: [{ id: "seed-tiles", title: "Pack tiles" }] },
};

function show(answers: Record<string, Answer> = {}, who: object = {}) {
  const sent = serve({ ...given, ...answers });
  const events = follow();
  const hands = open(<Exports />, who);
  return { sent, hands, events };
}

const file = async () => new URL((await screen.findByRole("link", { name: "Download" })) as never);
const asked = async () => Object.fromEntries((await file()).searchParams);

describe("features as a file", () => {
  it("are the zones of the region at first, as a GeoPackage", async () => {
    show();
    await screen.findByLabelText("Only Xiamen");
    expect((await file()).pathname).toBe("/collections/zones/items");
    expect(await asked()).toEqual({ f: "gpkg", region: "xiamen" });
  });

  it("are of all regions, of one plan, in any format of the collection", async () => {
    const { hands } = show();
    await hands.click(await screen.findByLabelText("Only Xiamen"));
    await hands.selectOptions(screen.getByLabelText("Plan"), "Plan");
    const format = screen.getByLabelText<HTMLSelectElement>("Format");
    expect([...format.options].map(({ text }) => text)).toEqual(Object.values(spatial));
    await hands.selectOptions(format, "GeoParquet");
    expect(await asked()).toEqual({ f: "parquet", plan: "xiamen-1" });
  });

  it("are of no plan of another region, once that is gone on with", async () => {
    const { hands } = show();
    await hands.selectOptions(await screen.findByLabelText("Plan"), "Plan");
    act(() => chooseRegion("banan"));
    expect(await asked()).toEqual({ f: "gpkg", region: "banan" });
  });

  it("have an encoding as a shapefile alone", async () => {
    const { hands } = show();
    await screen.findByLabelText("Only Xiamen");
    expect(screen.queryByLabelText("Encoding")).toBeNull();
    await hands.selectOptions(screen.getByLabelText("Format"), "Zipped Shapefile");
    await hands.selectOptions(screen.getByLabelText("Encoding"), "GBK");
    expect((await asked()).encoding).toBe("GBK");
    await hands.selectOptions(screen.getByLabelText("Format"), "CSV");
    expect(await asked()).not.toHaveProperty("encoding");
  });

  it("are not narrowed by what the collection lacks, nor had in what it is not offered in", async () => {
    const { hands } = show();
    await hands.selectOptions(await screen.findByLabelText("Plan"), "Plan");
    await hands.selectOptions(screen.getByLabelText("What"), "Indicators");
    await waitFor(() => expect(screen.queryByLabelText("Only Xiamen")).toBeNull());
    expect(await asked()).toEqual({ f: "csv" });
    expect(screen.queryByLabelText("Plan")).toBeNull();
  });

  it("say where the collections cannot be had", async () => {
    show({ "GET /collections": refused(503, "no collections now") });
    expect(await screen.findByText("no collections now")).toBeTruthy();
  });
});

describe("a filter of features", () => {
  const filter = () => screen.findByLabelText(/^Filter \(CQL2\)/);

  it("names the properties there are, and goes into the address", async () => {
    const { hands } = show();
    await hands.click(await screen.findByText("Properties to filter by"));
    expect(await cellsOf("Properties")).toEqual([
      ["Code", "code"],
      ["Region", "region"],
      ["plan", "plan"],
    ]);
    await hands.type(await filter(), "code LIKE 'A%' AND plan = 'x'");
    expect(await asked()).toEqual({
      f: "gpkg",
      region: "xiamen",
      filter: "code LIKE 'A%' AND plan = 'x'",
    });
  });

  it("tells how many it finds, until it is changed", async () => {
    const { sent, hands } = show({
      "GET /collections/zones/items": { features: [{}], numberMatched: 1234, links: [] },
    });
    await screen.findByText("Properties to filter by");
    await hands.type(await filter(), "code = 'A'");
    await hands.click(screen.getByRole("button", { name: "How many" }));
    expect(await screen.findByText("1,234 features")).toBeTruthy();
    expect(Object.fromEntries(sent.at(-1)?.query ?? [])).toEqual({
      f: "json",
      region: "xiamen",
      filter: "code = 'A'",
      limit: "1",
      count: "exact",
    });
    await hands.type(await filter(), " OR 1 = 1");
    expect(screen.queryByText("1,234 features")).toBeNull();
  });

  it("tells what is wrong with it", async () => {
    const { hands } = show({
      "GET /collections/zones/items": refused(400, "there is no property cod"),
    });
    await hands.type(await filter(), "cod = 'A'");
    await hands.click(screen.getByRole("button", { name: "How many" }));
    expect(await screen.findByText("there is no property cod")).toBeTruthy();
    await hands.clear(await filter());
    expect(screen.queryByText("there is no property cod")).toBeNull();
    expect(await asked()).not.toHaveProperty("filter");
  });

  it("stays with its collection", async () => {
    const { hands } = show();
    await hands.type(await filter(), "plan = 'x'");
    await hands.selectOptions(screen.getByLabelText("What"), "Indicators");
    expect(await filter()).toHaveProperty("value", "");
    await hands.selectOptions(screen.getByLabelText("What"), "Zones");
    expect(await filter()).toHaveProperty("value", "plan = 'x'");
  });
});

describe("plan packages", () => {
  it("are for those who are signed in", async () => {
    show();
    expect(await screen.findByText("Sign in to have them.")).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Plan" })).toBeNull();
  });

  it("are those of the region", async () => {
    show({}, { scopes: ["read"] });
    expect((await screen.findByRole("link", { name: "Plan" })).getAttribute("href")).toBe(
      `${location.origin}/plans/xiamen-1/package`,
    );
  });
});

describe("packs of tiles", () => {
  const begin = async (answers: Record<string, Answer> = {}) => {
    const shown = show(
      { "POST /processes/seed-tiles/execution": jobOf("j1", "seed-tiles"), ...answers },
      { scopes: ["read", "jobs"] },
    );
    await screen.findByLabelText(/^Layer/);
    const inputs = () =>
      (shown.sent.find(({ method }) => method === "POST")?.body as { inputs: object } | undefined)
        ?.inputs;
    return { ...shown, inputs };
  };
  const pack = () => screen.getByRole("button", { name: "Pack" });

  it("are not offered to those who may start no jobs", async () => {
    show({}, { scopes: ["read"] });
    await screen.findByRole("link", { name: "Plan" });
    expect(screen.queryByText("Data packs for use without a network")).toBeNull();
  });

  it("hold a layer of the region down to a level", async () => {
    const { hands, inputs } = await begin();
    await hands.selectOptions(screen.getByLabelText(/^Layer/), "Greenness");
    await hands.clear(screen.getByLabelText(/^Last level/));
    await hands.type(screen.getByLabelText(/^Last level/), "9");
    await hands.selectOptions(screen.getByLabelText("File"), "MBTiles");
    await hands.click(pack());
    await waitFor(() => expect(inputs()).toBeTruthy());
    expect(inputs()).toEqual({ layers: ["ndvi"], region: "xiamen", max_zoom: 9, pack: "mbtiles" });
  });

  it("are of layers that the region has, and not of those of other cities alone", async () => {
    const { hands } = await begin({
      "GET /tiles/layers": {
        layers: [
          layer("dem.banan", "Elevation of Banan", [106, 29, 107, 30]),
          layer("dem.tongan", "Elevation of Tongan", [118, 24.6, 118.3, 24.9]),
          layer("zones", "Zones"),
        ],
      },
    });
    await hands.selectOptions(screen.getByLabelText(/^Layer/), "Zones");
    act(() => {
      regions.value = [...regions.value, placed("tongan", { name_en: "Tongan" })];
      chooseRegion("tongan");
    });
    await waitFor(() =>
      expect(
        within(screen.getByLabelText(/^Layer/))
          .getAllByRole("option")
          .map(({ textContent }) => textContent),
      ).toEqual(["Zones", "Elevation of Tongan"]),
    );
    expect(screen.getByLabelText<HTMLSelectElement>(/^Layer/).value).toBe("zones");
  });
  it("are had in the form that they were made in, whatever is chosen for the next one", async () => {
    const { hands, events } = await begin();
    await hands.click(pack());
    await waitFor(() => expect(events.followed("j1")).toBe(true));
    await events.tell(jobOf("j1", "seed-tiles", { status: "successful" }));
    const had = await screen.findByRole("link", { name: "Have the pack" });
    await hands.selectOptions(screen.getByLabelText("File"), "MBTiles");
    expect(had.getAttribute("href")).toBe(`${location.origin}/jobs/j1/results/pmtiles`);
  });

  it("are refused where they are too large", async () => {
    const { hands } = await begin({
      "POST /processes/seed-tiles/execution": refused(400, "too many tiles", [
        { pointer: "/inputs/max_zoom", detail: "at most 11 here" },
      ]),
    });
    await hands.click(pack());
    expect(await screen.findByText("too many tiles")).toBeTruthy();
    expect(screen.getByText("at most 11 here", { exact: false })).toBeTruthy();
    expect(pack()).toHaveProperty("disabled", false);
  });
});

describe("data by theme and region", () => {
  const dataset = (id: string, theme: string, region: string, more: object = {}) => ({
    type: "Feature",
    id,
    geometry: null,
    properties: {
      name_zh: id,
      name_en: `Data ${id}`,
      theme,
      region,
      unit: null,
      stand_in: false,
      source: "survey",
      licence: "CC0-1.0",
      observed_to: "2025-12-31",
      bytes: 2048,
      ...more,
    },
  });
  // The process takes these; the collection has words for them.
  const themes = {
    id: "import-dataset",
    inputs: {
      theme: {
        title: "Theme",
        description: "",
        minOccurs: 1,
        schema: { type: "string", enum: ["dem", "ndvi"] },
        additionalParameters: {
          parameters: [
            { name: "dem", value: ["Elevation"] },
            { name: "ndvi", value: ["Greenness"] },
          ],
        },
      },
    },
  };
  const schema = {
    properties: {
      theme: { enum: ["dem", "ndvi"], "x-enum-titles": { dem: "Elevation", ndvi: "Greenness" } },
    },
  };
  const all = [
    dataset("a", "dem", "xiamen"),
    dataset("b", "ndvi", "xiamen", { stand_in: true, licence: null, source: null, bytes: null }),
    dataset("c", "dem", "banan"),
  ];
  const cover = (features: object[] = all, lang: Lang = "en") => {
    const sent = serve({
      "GET /collections/datasets/items": (_: Sent) => ({ features, links: [] }),
      "GET /processes/import-dataset": themes,
      "GET /collections/datasets/schema": schema,
    });
    return { sent, hands: open(<Coverage />, { lang }) };
  };
  const texts = async (label: string) =>
    within(await screen.findByRole("region", { name: label }))
      .getAllByRole("row")
      .map((row) => [...row.querySelectorAll("th,td")].map(({ textContent }) => textContent));

  it("is told by lights, regions beside each other", async () => {
    cover();
    await act(async () => {
      regions.value = [...regions.value, placed("banan", { name_zh: "巴南区", name_en: "Banan" })];
    });
    expect(await texts("Coverage")).toEqual([
      ["Theme", "Banan", "Xiamen"],
      ["Elevation", "there", "there"],
      ["Greenness", "none here", "stand-in only"],
    ]);
  });

  it("warns where nobody has stated a licence or a source", async () => {
    cover();
    const [, , standIn] = await texts("Datasets");
    expect(standIn?.slice(4)).toEqual(["not stated", "not stated", "Download"]);
    const [, first] = await texts("Datasets");
    expect(first?.slice(3)).toEqual(["31 Dec 2025", "CC0-1.0", "survey", "2.0 KiB"]);
  });

  it("is narrowed by a click on a theme, and by choice", async () => {
    const { hands } = cover();
    await hands.click(await screen.findByRole("button", { name: "Greenness" }));
    expect((await texts("Datasets")).slice(1).map(([name]) => name)).toEqual(["Data b"]);
    await hands.selectOptions(screen.getByLabelText("Theme"), "All themes");
    expect(await texts("Datasets")).toHaveLength(4);
  });

  it("leads to each dataset and to its file", async () => {
    cover();
    const link = await screen.findByRole("link", { name: "Data a" });
    expect(link.getAttribute("href")).toBe(
      `${location.origin}/collections/datasets/items/a?f=html`,
    );
    expect(screen.getAllByRole("link", { name: "2.0 KiB" })[0]?.getAttribute("href")).toBe(
      `${location.origin}/collections/datasets/items/a/file`,
    );
  });

  it("is none at all where nothing was imported yet", async () => {
    cover([], "zh");
    expect(await screen.findByText("没有数据集。")).toBeTruthy();
    expect((await texts("数据覆盖"))[1]).toEqual(["Elevation", "缺数据"]);
  });
});

describe("the screen of data", () => {
  const all = {
    ...given,
    "GET /collections/datasets/items": { features: [], links: [] },
    "GET /collections/datasets/schema": { properties: {} },
    "GET /processes/import-dataset": { inputs: {} },
  };
  const tabs = () => screen.getAllByRole("tab").map(({ textContent }) => textContent);

  it("begins with imports, and goes on by arrows", async () => {
    serve(given);
    const hands = open(<Data />, { lang: "zh", scopes: ["read", "jobs"] });
    expect(screen.getByRole("region", { name: "导入文件" })).toBeTruthy();
    screen.getByRole("tab", { name: "导入" }).focus();
    await hands.keyboard("{ArrowLeft}");
    await waitFor(() => expect(location.search).toBe("?tab=export"));
    expect(await screen.findByText("导出要素")).toBeTruthy();
  });

  it.each([
    ["the public", { scopes: null }, ""],
    ["a viewer", { scopes: ["read"] }, ""],
    ["a viewer with a link to the imports", { scopes: ["read"] }, "tab=import"],
  ] as const)("begins for %s with what there is", async (_, who, query) => {
    serve(all);
    open(<Data />, { lang: "zh", ...who, query });
    expect(await screen.findByText("各专题各区域的数据")).toBeTruthy();
    expect(tabs()).toEqual(["覆盖与许可", "导出"]);
    expect(screen.getByRole("tab", { name: "覆盖与许可", selected: true })).toBeTruthy();
    expect(screen.queryByRole("region", { name: "导入文件" })).toBeNull();
  });

  it("has exports for a viewer", async () => {
    serve(all);
    open(<Data />, { lang: "zh", scopes: ["read"], query: "tab=export" });
    expect(await screen.findByText("导出要素")).toBeTruthy();
  });
});
