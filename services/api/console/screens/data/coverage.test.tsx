import { describe, expect, it } from "vitest";
import { regions } from "../../kit/place";
import { type Answer, act, cellsOf, open, placed, refused, screen, serve } from "../../kit/testing";
import type { Lang } from "../../kit/words";
import { Coverage, datasetsAnywhere } from "./coverage";

const dataset = (id: string, theme: string, region: string, more: object = {}) => ({
  type: "Feature",
  id,
  geometry: null,
  properties: {
    name_zh: `数据${id}`,
    name_en: `Data ${id}`,
    theme,
    region,
    unit: null,
    stand_in: false,
    source: "survey",
    licence: "CC0-1.0",
    observed_to: null,
    bytes: null,
    ...more,
  },
});
const WORDS = { dem: "Elevation", soil: "Soil", rain: "Rain" };
const PROCESS = {
  id: "import-dataset",
  inputs: {
    theme: {
      title: "Theme",
      description: "",
      minOccurs: 1,
      schema: { type: "string", enum: Object.keys(WORDS) },
      additionalParameters: {
        parameters: Object.entries(WORDS).map(([name, word]) => ({ name, value: [word] })),
      },
    },
  },
};
const SCHEMA = {
  properties: {
    theme: { enum: [...Object.keys(WORDS), "old"], "x-enum-titles": { ...WORDS, old: "Old maps" } },
  },
};

function shown(datasets: object[], answers: Record<string, Answer> = {}, lang: Lang = "en") {
  const sent = serve({
    "GET /collections/datasets/items": { features: datasets, links: [] },
    "GET /processes/import-dataset": PROCESS,
    "GET /collections/datasets/schema": SCHEMA,
    ...answers,
  });
  return { sent, hands: open(<Coverage />, { lang }) };
}
const names = async () => (await cellsOf("Datasets")).map(([name]) => name);

describe("the lights", () => {
  it("are green where one dataset is none of the stand-ins, yellow where all are, else red", async () => {
    shown([
      dataset("a", "dem", "xiamen", { stand_in: true }),
      dataset("b", "dem", "xiamen"),
      dataset("c", "soil", "xiamen", { stand_in: true }),
    ]);
    expect(await cellsOf("Coverage")).toEqual([
      ["Elevation", "there"],
      ["Soil", "stand-in only"],
      ["Rain", "none here"],
    ]);
    const tones = [...document.querySelectorAll('[aria-label="Coverage"] .badge')].map((badge) =>
      badge.className.replace("badge", "").trim(),
    );
    expect(tones).toEqual(["good", "warn", "bad"]);
  });
  it("are of each region for itself, by name where that is known and else by its code", async () => {
    shown([dataset("a", "dem", "xiamen"), dataset("b", "soil", "elsewhere")]);
    await cellsOf("Coverage");
    const heads = screen.getAllByRole("columnheader").map(({ textContent }) => textContent?.trim());
    expect(heads.slice(0, 3)).toEqual(["Theme", "elsewhere", "Xiamen"]);
    expect((await cellsOf("Coverage")).slice(0, 2)).toEqual([
      ["Elevation", "none here", "there"],
      ["Soil", "there", "none here"],
    ]);
    await act(async () => {
      regions.value = [...regions.value, placed("elsewhere", { name_en: "Elsewhere" })];
    });
    expect(screen.getByRole("columnheader", { name: "Elsewhere" })).toBeTruthy();
  });
});

describe("the list of datasets", () => {
  it("has those whose theme can no longer be imported too, with its words", async () => {
    shown([dataset("a", "old", "xiamen"), dataset("b", "older", "xiamen")]);
    expect((await cellsOf("Datasets")).map(([, theme]) => theme)).toEqual(["Old maps", "older"]);
  });
  it("calls one without a name by its theme, and leads to it whatever its code is", async () => {
    shown([dataset("xm/soil 1", "soil", "xiamen", { name_zh: "", name_en: "" })]);
    expect(await names()).toEqual(["Soil"]);
    const [about, file] = screen
      .getAllByRole("link")
      .map((link) => new URL(link.getAttribute("href") ?? "").pathname);
    expect(about).toBe("/collections/datasets/items/xm%2Fsoil%201");
    expect(file).toBe(`${about}/file`);
  });
  it("is put in the order of names, and of days, by their heads", async () => {
    const { hands } = shown([
      dataset("b", "dem", "xiamen", { observed_to: "2024-05-01" }),
      dataset("c", "dem", "xiamen", { observed_to: "2025-05-01" }),
      dataset("a", "dem", "xiamen", { observed_to: "2023-05-01" }),
    ]);
    expect(await names()).toEqual(["Data b", "Data c", "Data a"]);
    await hands.click(screen.getByRole("button", { name: /^Name/ }));
    expect(await names()).toEqual(["Data a", "Data b", "Data c"]);
    await hands.click(screen.getByRole("button", { name: /^Observed to/ }));
    await hands.click(screen.getByRole("button", { name: /^Observed to/ }));
    expect(await names()).toEqual(["Data c", "Data b", "Data a"]);
  });
  it("says that there are none of a theme, in Chinese for whom it is", async () => {
    const { hands } = shown([dataset("a", "dem", "xiamen")], {}, "zh");
    await hands.selectOptions(await screen.findByLabelText("专题"), "rain");
    expect(await screen.findByText("没有数据集。")).toBeTruthy();
    await hands.selectOptions(screen.getByLabelText("专题"), "全部专题");
    expect(await screen.findByRole("link", { name: "数据a" })).toBeTruthy();
  });
});

describe("what is asked", () => {
  it("can be asked again where the service refused", async () => {
    let away = true;
    const { hands } = shown([], {
      "GET /collections/datasets/items": () =>
        away
          ? refused(503, "the database is away")
          : { features: [dataset("a", "dem", "xiamen")], links: [] },
    });
    await screen.findByText(/the database is away/);
    away = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await names()).toEqual(["Data a"]);
  });
  it("is every page, of each dataset what the list tells of it", async () => {
    const next = { rel: "next", href: `${location.origin}/collections/datasets/items?offset=1` };
    const sent = serve({
      "GET /collections/datasets/items": ({ query }) =>
        query.has("offset")
          ? { features: [dataset("b", "dem", "banan")], links: [] }
          : { features: [dataset("a", "dem", "xiamen")], links: [next] },
    });
    const found = await datasetsAnywhere();
    expect(found.map(({ code, region }) => [code, region])).toEqual([
      ["a", "xiamen"],
      ["b", "banan"],
    ]);
    const asked = sent[0]?.query.get("properties")?.split(",") ?? [];
    const told = Object.keys(dataset("a", "dem", "xiamen").properties);
    expect(told.filter((member) => !asked.includes(member))).toEqual([]);
  });
});
