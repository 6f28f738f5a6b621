import { describe, expect, it, test } from "vitest";
import { t } from "../../kit/words";
import {
  type Dataset,
  datasetChoices,
  type Input,
  isWritten,
  lightOf,
  processChoices,
  restOf,
  sent,
  sortInputs,
  withTitles,
  wrongAt,
} from "./inputs";

const input = (schema: Input["schema"], minOccurs = 0): Input => ({
  title: "标题",
  description: "",
  schema,
  minOccurs,
});
const INPUTS = {
  region: input({ type: "string" }, 1),
  cell_m: input({ type: "number", default: 100 }),
  datasets: input({ type: "object", properties: { dem: { type: "string" } } }),
  parameters: input({ type: "object", properties: { k: { type: "integer" } } }),
  edits: input({ type: "array", items: { type: "object" } }, 1),
  funds: input({
    type: "array",
    items: { type: "object", properties: { amount: { type: "number" } } },
  }),
};
const dataset = (theme: string, stand_in: boolean): Dataset => ({
  code: `x.${theme}`,
  name_zh: "甲",
  name_en: "A",
  theme,
  stand_in,
  observed_to: null,
  registered_at: "2026-12-01T02:32:00Z",
});

test("what must be given comes first, datasets by themselves, all else is folded", () => {
  const sorted = sortInputs(INPUTS);
  expect(Object.keys(sorted.first)).toEqual(["region", "cell_m", "edits"]);
  expect(Object.keys(sorted.more)).toEqual(["parameters", "funds"]);
  expect(Object.keys(sorted.themes.datasets ?? {})).toEqual(["dem"]);
  expect(sorted.required).toEqual(["region", "edits"]);
  expect(sorted.first.region?.title).toBe("标题");
});

test("lists of objects of unknown members are written as JSON, all others are not", () => {
  expect(isWritten({ type: "array", items: { type: "object" } })).toBe(true);
  expect(isWritten(INPUTS.funds.schema)).toBe(false);
  expect(isWritten({ type: "array", items: { type: "array", items: { type: "string" } } })).toBe(
    false,
  );
  expect(isWritten({ type: "array", items: { type: "string" } })).toBe(false);
});

test("a theme is green with data, yellow with a stand-in alone, red without or refused", () => {
  const data = [dataset("dem", false), dataset("dem", true), dataset("ndvi", true)];
  expect(lightOf(data, ["dem"]).tone).toBe("good");
  expect(lightOf(data, ["ndvi"]).tone).toBe("warn");
  expect(lightOf(data, ["gdp"]).tone).toBe("bad");
  const wrong = (theme: string) => (theme === "dem" ? "is of another region" : undefined);
  expect(lightOf(data, ["dem"], wrong).tone).toBe("bad");
});

test("datasets of one name are told apart by when they were registered, those of one minute by code", () => {
  const one = dataset("supply.cooling", false);
  const labels = (...more: Partial<Dataset>[]) =>
    datasetChoices(more.map((its) => ({ ...one, ...its }))).map(({ label }) => label);
  expect(labels({ stand_in: true }, { observed_to: "2020-12-31" })).toEqual([
    t("甲 · 替代", "A · stand-in"),
    t("甲 · 2020", "A · 2020"),
  ]);
  const later = { code: "later", registered_at: "2026-12-01T09:00:00Z" };
  expect(labels({}, later)).toEqual([
    t("甲 · 2026-12-01 10:32", "A · 2026-12-01 10:32"),
    t("甲 · 2026-12-01 17:00", "A · 2026-12-01 17:00"),
  ]);
  const same = labels({}, { ...later, registered_at: one.registered_at });
  expect(same.map((label) => label.split(" · ").at(-1))).toEqual(["x.supply.cooling", "later"]);
});

test("planners are offered first what they compute here, and last what is for programs", () => {
  const ids = ["echo", "import-dataset", "assess-ecoservices", "delineate-zones"];
  expect(processChoices(ids.map((id) => ({ id, title: id }))).map(({ value }) => value)).toEqual([
    "assess-ecoservices",
    "delineate-zones",
    "import-dataset",
    "echo",
  ]);
});

test("of themes that stand for each other one will do", () => {
  const data = [dataset("reference_et", false), dataset("ndvi", true)];
  expect(lightOf(data, ["evapotranspiration", "reference_et"]).tone).toBe("good");
  expect(lightOf(data, ["npp", "ndvi"]).tone).toBe("warn");
  expect(lightOf(data, ["npp", "gdp"]).tone).toBe("bad");
});

test("a refusal is told at its field, and beside the form where there is no field", () => {
  const wrong = [
    { pointer: "/inputs/cell_m", detail: "too small" },
    { pointer: "/inputs/parameters/k", detail: "too large" },
    { pointer: "/inputs/edits/0/cover", detail: "is no class" },
    { pointer: "/inputs/funds/1/amount", detail: "is below 0" },
    { pointer: "/inputs/funds/1", detail: "says nothing" },
    { pointer: "/inputs/funds/1/else", detail: "is not known" },
    { pointer: "/outputs", detail: "unknown" },
  ];
  expect(wrongAt(wrong, "/inputs/cell_m")).toBe("too small");
  expect(restOf(wrong, INPUTS).map(({ pointer }) => pointer)).toEqual([
    "/inputs/edits/0/cover",
    "/inputs/funds/1/else",
    "/outputs",
  ]);
});

test("what says nothing is not sent", () => {
  expect(sent({ region: "a", plan: "", crs: null, cell_m: 0, publish: false })).toEqual({
    region: "a",
    cell_m: 0,
    publish: false,
  });
});

describe("withTitles", () => {
  const titles = { index: "指数法", fine: "细" };

  it("lists have the words of their codes, however deep", () => {
    const schema = {
      type: "object",
      properties: {
        method: { enum: ["index"] },
        steps: { type: "array", items: { enum: ["fine"] } },
        way: { anyOf: [{ enum: ["index"] }, { type: "null" }] },
      },
    };
    const { properties } = withTitles(schema, titles);
    expect(properties?.method?.["x-enum-titles"]).toBe(titles);
    expect(properties?.steps?.items?.["x-enum-titles"]).toBe(titles);
    expect(properties?.way?.anyOf?.[0]?.["x-enum-titles"]).toBe(titles);
  });

  it("what is no list stays as it is", () =>
    expect(withTitles({ type: "number", minimum: 1 }, titles)).toEqual({
      type: "number",
      minimum: 1,
    }));
});
