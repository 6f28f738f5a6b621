import { beforeEach, describe, expect, it } from "vitest";
import {
  area,
  bytes,
  day,
  duration,
  fixed,
  km2,
  moment,
  money,
  number,
  percent,
  today,
} from "./format";
import { lang } from "./words";

beforeEach(() => {
  lang.value = "zh";
});

describe("number", () => {
  it.each([
    [1234567, "1,234,567"],
    [0, "0"],
    [7.65432, "7.654"],
    [12345.678, "12,346"],
    [0.00012345, "0.0001235"],
    [3.407e-14, "0"],
    [-2.5, "-2.5"],
  ])("%f is written %s", (value, text) => expect(number(value)).toBe(text));

  it.each([null, undefined, Number.NaN, Infinity])("a dash stands for %s", (value) =>
    expect(number(value)).toBe("–"),
  );

  it("counts are never rounded", () => expect(number(123456789)).toBe("123,456,789"));
});

it("decimals are kept", () => expect(fixed(2, 2)).toBe("2.00"));
it("shares are per cent", () => expect(percent(0.1234)).toBe("12.3%"));

describe("area", () => {
  it("has three units", () => {
    // 1 ha = 10,000 m², 15 mu.
    expect(area(10_000)).toEqual({ ha: "1.0000 公顷", km2: "0.0100 平方公里", mu: "15.00 亩" });
  });

  it("is told in the other language", () => {
    lang.value = "en";
    expect(area(1e6)).toEqual({ ha: "100.0000 ha", km2: "1.0000 km²", mu: "1,500.00 mu" });
  });
});

it("square kilometres have their unit", () => expect(km2(1771.4503)).toBe("1,771.45 平方公里"));

it("money is in units of 10,000", () => {
  expect(money("98788000.00")).toBe("9,879 万元");
  expect(money(null)).toBe("–");
});

it.each([
  [512, "512 B"],
  [1536, "1.5 KiB"],
  [20 * 1024 ** 2, "20.0 MiB"],
])("%d bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

describe("times", () => {
  it("are those of the bureau's clocks", () =>
    expect(moment("2026-11-22T17:05:00Z")).toBe("2026-11-23 01:05"));

  it("a day has no zone", () => expect(day("2026-11-23")).toBe("2026年11月23日"));

  it("today begins at the bureau's midnight", () =>
    expect(today(new Date("2026-11-22T16:00:00Z"))).toBe("2026-11-23"));

  it.each([
    ["2026-01-01T00:00:05.2Z", "5.2 秒"],
    ["2026-01-01T00:00:42Z", "42 秒"],
    ["2026-01-01T00:02:03Z", "2 分 3 秒"],
    ["2026-01-01T03:04:00Z", "3 小时 4 分"],
  ])("until %s it took %s", (end, text) =>
    expect(duration("2026-01-01T00:00:00Z", end)).toBe(text),
  );
});
