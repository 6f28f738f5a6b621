import { beforeEach, describe, expect, it } from "vitest";
import {
  DUTY_STATES,
  LEVELS,
  levelColor,
  levelName,
  quantity,
  ROLE_CODES,
  roleTitle,
  unitName,
} from "./terms";
import { lang } from "./words";

beforeEach(() => {
  lang.value = "zh";
});

describe("a value with its unit", () => {
  it.each([
    [4.6, "mg/L", "4.6 mg/L"],
    [28.61, "1", "28.61"],
    [12, null, "12"],
    [null, "mg/L", "–"],
    [undefined, "ha", "–"],
  ])("%s and %s are written %s", (value, unit, text) => expect(quantity(value, unit)).toBe(text));
});

describe("a unit for people", () => {
  it.each([
    ["km2", "平方公里"],
    ["10^4 m3", "万立方米"],
    ["10^4 mu", "万亩"],
    ["10^8 m3/a", "亿立方米/年"],
    ["m3/s", "立方米/秒"],
    ["m/s", "米/秒"],
    ["W/m2", "W/m²"],
    ["uS/cm", "µS/cm"],
    ["deg", "°"],
    ["10^4 t/year", "万吨/年"],
    ["10^4 CNY", "万元"],
    ["jobs", "个岗位"],
    ["d", "天"],
    ["permille", "‰"],
    ["1", ""],
    ["%", "%"],
    ["Cel", "°C"],
    ["mg/L", "mg/L"],
    ["ug/m3", "µg/m³"],
    ["dB(A)", "dB(A)"],
  ])("%s is written %s", (code, text) => expect(unitName(code)).toBe(text));

  it("is written in the other language", () => {
    lang.value = "en";
    expect(unitName("10^4 m3")).toBe("×10⁴ m³");
    expect(unitName("s")).toBe("s");
  });
  it("keeps a power of ten that has no word", () =>
    expect(unitName("10^6 m3")).toBe("10^6 立方米"));
});

describe("words of codes", () => {
  it("tell roles and levels in both languages", () => {
    expect([roleTitle("approver"), levelName("orange")]).toEqual(["审批", "橙色"]);
    lang.value = "en";
    expect([roleTitle("approver"), levelName("orange")]).toEqual(["Approver", "orange"]);
  });
  it("are the code itself where the API has a newer one, without a colour", () => {
    expect(levelName("purple")).toBe("purple");
    expect(levelColor("purple")).toBe("");
  });
  it("differ from each other within a language", () => {
    for (const words of ["zh", "en"] as const) {
      lang.value = words;
      expect(new Set(ROLE_CODES.map(roleTitle)).size).toBe(ROLE_CODES.length);
    }
    const states = Object.values(DUTY_STATES);
    expect(new Set(states.map(([zh]) => zh)).size).toBe(states.length);
  });
  it("go from the least serious level to the most", () =>
    expect(LEVELS.map(([code]) => code)).toEqual(["blue", "yellow", "orange", "red"]));
});
