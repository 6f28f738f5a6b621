import { beforeEach, describe, expect, it } from "vitest";
import { recall } from "./kept";
import {
  chooseRegion,
  liesIn,
  openPlaces,
  plan,
  planChoices,
  plans,
  plansHere,
  region,
  regionName,
  regions,
  undrawnRegion,
  within,
} from "./place";
import { placed, refused, serve } from "./testing";
import { lang } from "./words";

describe("what belongs to a region", () => {
  it("is its own and those below it, and its namesakes do not", () =>
    expect(within("xiamen")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'"));
  it("keeps a quote in a code a quote", () => expect(within("o'x")).toContain("'o''x'"));
});

describe("where a region lies", () => {
  it("is itself, and those above it by their codes", () => {
    expect(["xiamen.siming", "xiamen"].map((above) => liesIn("xiamen.siming", above))).toEqual([
      true,
      true,
    ]);
    expect(["xiamen.si", "siming", ""].some((above) => liesIn("xiamen.siming", above))).toBe(false);
    expect(liesIn("xiamen", "xiamen.siming")).toBe(false);
  });
  it("is what is said to be above it, whatever its code", () => {
    regions.value = [
      placed("siming", { parent: "xiamen" }),
      placed("xiamen", { parent: "fujian" }),
      placed("fujian", { parent: null }),
      placed("xiamen.free", { parent: null }),
    ];
    expect(liesIn("xiamen.free", "xiamen")).toBe(false);
    expect(["xiamen", "fujian"].every((above) => liesIn("siming.a", above))).toBe(true);
    expect(liesIn("fujian", "xiamen")).toBe(false);
  });
  it("is nowhere for one that is none", () => expect(liesIn(null, "xiamen")).toBe(false));
});

const item = (id: string, properties: object, geometry: object | null = null) => ({
  type: "Feature",
  id,
  geometry,
  properties,
});
const somewhere = { type: "Point", coordinates: [118, 24] };
const answers = (given: object[], planned: object[]) =>
  serve({
    "GET /collections/regions/items": { features: given, links: [] },
    "GET /collections/plans/items": { features: planned, links: [] },
  });
const ofXiamen = (id: string, valid_from: string | null) =>
  item(id, { name_zh: id, name_en: id, region: "xiamen", valid_from });

beforeEach(() => {
  region.value = "";
  plan.value = "";
});

describe("opening", () => {
  const both = [
    item("banan", { name_zh: "巴南区", name_en: "Banan" }, somewhere),
    item("xiamen", { name_zh: "厦门市", name_en: "Xiamen" }, somewhere),
  ];
  it("puts the region with the most plans first, and begins with its newest plan", async () => {
    answers(both, [
      item("banan-1", { region: "banan", valid_from: "2022-01-01" }),
      ofXiamen("x-new", "2024-01-01"),
      ofXiamen("x-old", "2016-01-01"),
      ofXiamen("x-undated", null),
    ]);
    await openPlaces();
    expect(regions.value.map(({ code }) => code)).toEqual(["xiamen", "banan"]);
    expect([region.value, plan.value]).toEqual(["xiamen", "x-new"]);
  });
  it("begins with a plan of restoration where there is one, though others be newer", async () => {
    const special = { region: "xiamen", kind: "special_plan" };
    answers(both, [
      ofXiamen("x-new", "2024-01-01"),
      item("s-old", { ...special, valid_from: "2019-01-01" }),
      item("s-new", { ...special, valid_from: "2021-01-01" }),
      item("s-undated", { ...special, valid_from: null }),
    ]);
    await openPlaces();
    expect(plan.value).toBe("s-new");
  });
  it("begins with the edition in force, not with a newer draft or a former one", async () => {
    const edition = (id: string, edition: number, status: string) =>
      item(id, { name_zh: "规划", name_en: "Plan", region: "xiamen", edition, status });
    const inForce = edition("p.v2", 2, "approved");
    answers(both, [
      edition("p", 1, "superseded"),
      inForce,
      edition("p.v3", 3, "withdrawn"),
      edition("p.v4", 4, "draft"),
    ]);
    await openPlaces();
    expect(plan.value).toBe("p.v2");
    lang.value = "zh";
    expect(planChoices().map(({ label }) => label)).toEqual([
      "规划（已被取代）",
      "规划（第 2 版）",
      "规划（第 3 版，已撤回）",
      "规划（第 4 版，草案）",
    ]);
    lang.value = "en";
    expect(planChoices()[3]?.label).toBe("Plan (edition 4, draft)");
    answers(both, [edition("p", 1, "draft")]);
    plan.value = "";
    await openPlaces();
    expect(plan.value).toBe("p");
  });
  it("asks for nothing but what it shows", async () => {
    const sent = answers([], []);
    await openPlaces();
    const asked = sent.find(({ path }) => path.includes("regions"))?.query.get("properties");
    expect(asked).toBe("name_zh,name_en,level,parent");
  });
  it("stays with a region and a plan that are still there", async () => {
    region.value = "banan";
    plan.value = "banan-1";
    answers(both, [
      item("banan-1", { region: "banan", valid_from: "2020-01-01" }),
      item("banan-2", { region: "banan", valid_from: "2025-01-01" }),
      ofXiamen("x", "2024-01-01"),
    ]);
    await openPlaces();
    expect([region.value, plan.value]).toEqual(["banan", "banan-1"]);
  });
  it("leaves a region that is not there any more", async () => {
    region.value = "gone";
    plan.value = "gone-1";
    answers(both, [ofXiamen("x", "2024-01-01")]);
    await openPlaces();
    expect([region.value, plan.value]).toEqual(["xiamen", "x"]);
  });
  it("leaves a plan of another region", async () => {
    region.value = "banan";
    plan.value = "x";
    answers(both, [ofXiamen("x", "2024-01-01")]);
    await openPlaces();
    expect([region.value, plan.value]).toEqual(["banan", ""]);
  });
  it("leaves out regions that have neither a shape nor a plan", async () => {
    answers(
      [item("fujian", { name_zh: "福建省" }), item("xiamen", { name_zh: "厦门市" })],
      [ofXiamen("x", null)],
    );
    await openPlaces();
    expect(regions.value.map(({ code }) => code)).toEqual(["xiamen"]);
  });
  it("tells a region that is not drawn", async () => {
    answers(
      [both[0] as object, item("xiamen", { name_zh: "厦门市" })],
      [ofXiamen("x", null), item("b", { region: "banan", valid_from: null })],
    );
    await openPlaces();
    region.value = "xiamen";
    expect(undrawnRegion.value).toBe("xiamen");
    region.value = "banan";
    expect(undrawnRegion.value).toBeUndefined();
  });
  it("finds nothing in an empty service", async () => {
    answers([], []);
    await openPlaces();
    expect([regions.value, region.value, plan.value]).toEqual([[], "", ""]);
  });
  it("fails whole where either is refused", async () => {
    serve({
      "GET /collections/regions/items": { features: both, links: [] },
      "GET /collections/plans/items": refused(401, "sign in"),
    });
    await expect(openPlaces()).rejects.toMatchObject({ status: 401 });
    expect(regions.value).toEqual([]);
  });
});

describe("choosing a region", () => {
  beforeEach(() => {
    plans.value = [
      placed("x-1", { region: "xiamen" }),
      placed("b-1", { region: "banan" }),
      placed("x-2", { region: "xiamen" }),
    ];
  });
  it("goes on with the last of its plans, and is remembered", () => {
    chooseRegion("xiamen");
    expect(plansHere.value.map(({ code }) => code)).toEqual(["x-1", "x-2"]);
    expect(plan.value).toBe("x-2");
    expect([recall("region"), recall("plan")]).toEqual(["xiamen", "x-2"]);
  });
  it("of which there is no plan has none", () => {
    chooseRegion("fujian");
    expect(plan.value).toBe("");
  });
});

describe("a region", () => {
  beforeEach(() => {
    regions.value = [
      placed("xiamen", { name_zh: "厦门市", name_en: "Xiamen" }),
      placed("siming", { name_zh: "思明区", name_en: null }),
    ];
  });
  it("is called by its name in the language of whoever looks", () => {
    lang.value = "zh";
    expect(regionName("xiamen")).toBe("厦门市");
    lang.value = "en";
    expect(regionName("xiamen")).toBe("Xiamen");
  });
  it("is called by the other name where it has but one, and by its code without any", () => {
    lang.value = "en";
    expect(regionName("siming")).toBe("思明区");
    expect(regionName("banan")).toBe("banan");
  });
});
