import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  area,
  bytes,
  day,
  duration,
  exact,
  fixed,
  instant,
  km2,
  moment,
  money,
  number,
  percent,
  today,
  yuan,
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

  it.each([
    [-1e-12, "0"],
    [-0, "0"],
  ])("%f has no sign", (value, text) => expect(number(value)).toBe(text));

  it.each([
    [1234.5678, 6, "1,234.57"],
    [0.5, 1, "0.5"],
    [99.96, 3, "100"],
  ])("%f to %i digits is %s", (value, digits, text) => expect(number(value, digits)).toBe(text));

  it("counts are never rounded", () => expect(number(123456789)).toBe("123,456,789"));
});

describe("decimals", () => {
  it("are kept", () => expect(fixed(2, 2)).toBe("2.00"));
  it("are told of what is less than nothing", () => expect(fixed(-1234.5, 1)).toBe("-1,234.5"));
  it("have no sign where they round to nothing", () => expect(fixed(-0.004, 2)).toBe("0.00"));
});

describe("shares", () => {
  it("are per cent", () => expect(percent(0.1234)).toBe("12.3%"));
  it("have as many decimals as asked for", () => expect(percent(2 / 3, 0)).toBe("67%"));
});

describe("a dash alone, without a unit, stands for", () => {
  it("a share of nothing", () => expect(percent(Number.NaN)).toBe("–"));
  it("an area that is not known", () => expect([km2(null), km2(Number.NaN)]).toEqual(["–", "–"]));
  it("an amount that is none", () =>
    expect([money(undefined), money(""), money("open")]).toEqual(["–", "–", "–"]));
  it("a time that has not come", () => expect([moment(null), day("")]).toEqual(["–", "–"]));
});

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

describe("money", () => {
  it("is in units of 10,000", () => expect(money("98788000.00")).toBe("9,879 万元"));
  it("of none is none", () => expect(money(0)).toBe("0 万元"));
  it("is told in the other language", () => {
    lang.value = "en";
    expect(money(25_000)).toBe("2.5 ×10⁴ CNY");
  });
});

describe("what a ledger keeps", () => {
  it.each([
    ["1234.5678", "1,234.5678"],
    ["300.0000", "300"],
    ["-1234567890.1234", "-1,234,567,890.1234"],
    [1234.56, "1,234.56"],
    [0, "0"],
    [null, "–"],
    ["", "–"],
    ["open", "–"],
  ])("%s is shown to its last decimal: %s", (kept, text) => expect(exact(kept)).toBe(text));

  it.each([
    ["98788000.45", "98,788,000.45 元"],
    ["-0.5", "-0.50 元"],
    [undefined, "–"],
  ])("%s yuan are shown to the fen: %s", (kept, text) => expect(yuan(kept)).toBe(text));
});

it.each([
  [512, "512 B"],
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [20 * 1024 ** 2, "20.0 MiB"],
  [5000 * 1024 ** 4, "5,000.0 TiB"],
])("%d bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

describe("times", () => {
  it("are those of the bureau's clocks", () =>
    expect(moment("2026-11-22T17:05:00Z")).toBe("2026-11-23 01:05"));

  it("a day has no zone", () => expect(day("2026-11-23")).toBe("2026年11月23日"));

  it("a moment late in the evening of London is of the next day", () => {
    lang.value = "en";
    expect(day("2026-11-22T17:05:00Z")).toBe("23 Nov 2026");
  });

  it("what the clocks show is a moment again", () => {
    expect(instant("2026-01-01T08:00")).toBe("2026-01-01T00:00:00.000Z");
    expect(instant("2026-03-01T23:59:59")).toBe("2026-03-01T15:59:59.000Z");
    expect(moment(instant("2026-11-23T01:05"))).toBe("2026-11-23 01:05");
  });

  it("today begins at the bureau's midnight", () =>
    expect(today(new Date("2026-11-22T16:00:00Z"))).toBe("2026-11-23"));

  it.each([
    ["2026-01-01T00:00:05.2Z", "5.2 秒"],
    ["2026-01-01T00:00:09.96Z", "9.9 秒"],
    ["2026-01-01T00:00:42Z", "42 秒"],
    ["2026-01-01T00:00:59.9Z", "59 秒"],
    ["2026-01-01T00:01:00Z", "1 分 0 秒"],
    ["2026-01-01T00:02:03Z", "2 分 3 秒"],
    ["2026-01-01T03:04:00Z", "3 小时 4 分"],
    ["2026-01-03T02:00:00Z", "50 小时 0 分"],
    ["2025-12-31T23:59:00Z", "0.0 秒"],
  ])("until %s it took %s", (end, text) =>
    expect(duration("2026-01-01T00:00:00Z", end)).toBe(text),
  );

  it("what is not over has taken until now", () => {
    lang.value = "en";
    vi.useFakeTimers({ now: new Date("2026-01-01T00:05:30Z") });
    expect(duration("2026-01-01T00:00:00Z", null)).toBe("5 min 30 s");
    vi.useRealTimers();
  });
});
