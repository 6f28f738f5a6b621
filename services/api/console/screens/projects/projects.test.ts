import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import type { Feature } from "../../kit/features";
import { unitName } from "../../kit/terms";
import { lang } from "../../kit/words";
import { given } from "./about";
import { marksOf, scaleOf } from "./indicators";
import { type Project, wantedOf } from "./register";
import { barOf } from "./timetable";

beforeEach(() => {
  lang.value = "zh";
});

describe("wantedOf", () => {
  const project = (id: string, state: string, plan: string | null) =>
    ({
      id,
      properties: { name_zh: `${id}项目`, name_en: `Project ${id}`, state, plan },
    }) as Feature<Project>;
  const all = [
    project("A1", "reserve", "p"),
    project("B2", "draft", null),
    project("A3", "draft", "p"),
  ];
  const codes = (wanted: Partial<Parameters<typeof wantedOf>[1]>) =>
    wantedOf(all, { text: "", state: "", plan: "", ...wanted }).map(({ id }) => id);

  it("nothing asked is all", () => expect(codes({})).toEqual(["A1", "B2", "A3"]));
  it("words are looked for in names and codes, in any case", () => {
    expect(codes({ text: "a" })).toEqual(["A1", "A3"]);
    expect(codes({ text: " project b2 " })).toEqual(["B2"]);
    expect(codes({ text: "B2项目" })).toEqual(["B2"]);
  });
  it("state and plan narrow it together", () =>
    expect(codes({ state: "draft", plan: "p" })).toEqual(["A3"]));
});

describe("barOf", () => {
  it("each year counts whole", () =>
    // 2021 to 2030 of 2021 to 2035: ten years of fifteen.
    expect(barOf({ start_year: 2021, end_year: 2030 }, 2021, 2035)).toEqual({
      left: 0,
      width: (100 * 10) / 15,
    }));

  it("a year alone is a year wide", () =>
    expect(barOf({ start_year: 2022, end_year: 2022 }, 2021, 2024)).toEqual({
      left: 25,
      width: 25,
    }));

  it("what lies outside is cut", () => {
    expect(barOf({ start_year: 2015, end_year: 2021 }, 2021, 2024)).toEqual({ left: 0, width: 25 });
    expect(barOf({ start_year: 2015, end_year: 2016 }, 2021, 2024).width).toBe(0);
  });
});

it("members without a value are left out of a form", () =>
  expect(given({ a: 1, b: null, c: 0, d: undefined, e: "" }, ["a", "b", "c", "d", "e"])).toEqual({
    a: 1,
    c: 0,
    e: "",
  }));

describe("unitName", () => {
  it.each([
    ["km2", "平方公里"],
    ["10^4 m3", "万立方米"],
    ["10^4 mu", "万亩"],
    ["10^8 m3/a", "亿立方米/年"],
    ["permille", "‰"],
    ["1", ""],
    ["%", "%"],
    ["dB(A)", "dB(A)"],
  ])("%s is written %s", (code, text) => expect(unitName(code)).toBe(text));

  it("is written in the other language", () => {
    lang.value = "en";
    expect(unitName("10^4 m3")).toBe("×10⁴ m³");
  });
});

describe("the chart of an indicator", () => {
  const judged = {
    base: { year: 2020, value: 10 },
    targets: [
      { year: 2035, value: 40 },
      { year: null, value: 5 },
      { year: 2030, value: null },
    ],
  } as unknown as Schema<"JudgedIndicator">;
  const values = [{ year: 2024, value: 20 }] as Schema<"ObservedValue">[];

  it("has what has a year and a number", () =>
    expect(marksOf(judged, values)).toEqual([
      { year: 2020, value: 10, kind: "base" },
      { year: 2024, value: 20, kind: "value" },
      { year: 2035, value: 40, kind: "target" },
    ]));

  it("spreads years over the width and values over the height", () => {
    const { x, y } = scaleOf(marksOf(judged, values));
    // 560 by 180 with an edge of 40: 480 across for fifteen years, 100 up for thirty.
    expect(x(2020)).toBe(40);
    expect(x(2035)).toBe(520);
    expect(y(10)).toBe(140);
    expect(y(40)).toBe(40);
    expect(y(25)).toBe(90);
  });

  it("one mark alone has a place", () => {
    const { x, y } = scaleOf([{ year: 2020, value: 10, kind: "base" }]);
    expect([x(2020), y(10)]).toEqual([40, 140]);
  });
});
