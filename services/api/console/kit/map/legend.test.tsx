import { signal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import { act, open, screen, within } from "../testing";
import { lang } from "../words";
import type { LegendEntry, Legend as LegendOf } from "./layers";
import { ClassChoice, Legend, NO_DATA } from "./legend";

const entry = (code: string, zh: string, en: string, color: string): LegendEntry => ({
  value: null,
  code,
  values: [code],
  color,
  label_zh: zh,
  label_en: en,
});
const CLASSES = [
  entry("forest", "林地", "Forest", "#1b7837"),
  entry("water", "水域", "Water", "#2166ac"),
  entry("bare", "裸地", "Bare land", "#8d6e63"),
];
const legendOf = (more: Partial<LegendOf> = {}): LegendOf => ({
  title_zh: "土地覆盖",
  title_en: "Land cover",
  kind: "classes",
  symbol: "fill",
  property: "class",
  unit: "m",
  unit_zh: "米",
  unit_en: "metres",
  entries: CLASSES,
  ...more,
});
const RAMP = legendOf({
  kind: "ramp",
  entries: [
    entry("low", "低 0", "low 0", "#ffffcc"),
    entry("middle", "中 50", "middle 50", "#78c679"),
    entry("high", "高 100", "high 100", "#005a32"),
  ],
});
/** The rows of a legend as they read, with the colours beside them. */
const rows = () =>
  [...document.querySelectorAll<HTMLElement>(".legend .row")].map((row) => [
    row.textContent,
    row.querySelector<HTMLElement>(".swatch")?.style.background,
  ]);
const said = () => document.querySelector(".legend")?.textContent ?? "";

describe("a legend of classes", () => {
  it("has a row for each class, in its order, with its colour", () => {
    open(<Legend legend={legendOf()} />);
    expect(rows()).toEqual([
      ["Forest", "#1b7837"],
      ["Water", "#2166ac"],
      ["Bare land", "#8d6e63"],
    ]);
  });
  it("is in the language of whoever looks, and turns with it", async () => {
    open(<Legend legend={legendOf()} />, { lang: "zh" });
    expect(rows().map(([text]) => text)).toEqual(["林地", "水域", "裸地"]);
    await act(async () => {
      lang.value = "en";
    });
    expect(rows().map(([text]) => text)).toEqual(["Forest", "Water", "Bare land"]);
  });
  it.each([
    ["a layer of shapes", {}, false, 3],
    ["shapes whose ground is unknown", { no_data: { label: "?" } }, false, 4],
    ["pixels", {}, true, 4],
  ])("of %s has as many rows as it needs for what is not known", (_, more, raster, count) => {
    open(<Legend legend={legendOf(more)} raster={raster} />);
    expect(rows()).toHaveLength(count);
    expect(rows().at(-1)?.[0] === "No data").toBe(count === 4);
  });
  it("has a hatching for what is not known, which no class has", () => {
    open(<Legend legend={legendOf()} raster />);
    const hatched = rows().map(([, background]) => background === NO_DATA.replaceAll(",", ", "));
    expect(hatched).toEqual([false, false, false, true]);
  });
});

describe("a legend of a ramp", () => {
  it("runs through all colours, and names its two ends and the unit", () => {
    open(<Legend legend={RAMP} raster />);
    const ramp = document.querySelector<HTMLElement>(".ramp")?.style.background;
    expect(ramp).toBe("linear-gradient(90deg, #ffffcc, #78c679, #005a32)");
    expect(said()).toMatch(/^low 0.*high 100 metres/);
    expect(said()).not.toContain("middle");
  });
  it("has the unit in Chinese for whom it is", () => {
    open(<Legend legend={RAMP} />, { lang: "zh" });
    expect(said()).toContain("高 100 米");
    expect(said()).toContain("无数据");
  });
  it("says what is not known, whatever it is a ramp of", () => {
    open(<Legend legend={RAMP} />);
    expect(rows().map(([text]) => text)).toEqual(["No data"]);
  });
});

describe("classes that are drawn or not", () => {
  /** A choice whose answer is shown again, as a map's is. */
  function chosen(start: string[] = [], noData = false) {
    const hidden = signal(start);
    const onHide = vi.fn((codes: string[]) => {
      hidden.value = codes;
    });
    const Choice = () => (
      <ClassChoice
        classes={CLASSES}
        hidden={hidden.value}
        noData={noData}
        label="Legend of cover"
        onHide={onHide}
      />
    );
    const hands = open(<Choice />);
    return { hands, hidden, onHide };
  }
  const drawn = () =>
    within(screen.getByRole("group", { name: "Legend of cover" }))
      .getAllByRole<HTMLInputElement>("checkbox")
      .map(({ checked }) => checked);
  const button = (name: string) => screen.getByRole<HTMLButtonElement>("button", { name });

  it("are taken away and put back one by one, by their names", async () => {
    const { hands, hidden } = chosen();
    expect(drawn()).toEqual([true, true, true]);
    await hands.click(screen.getByLabelText("Water"));
    await hands.click(screen.getByText("Forest"));
    expect(hidden.value).toEqual(["water", "forest"]);
    expect(drawn()).toEqual([false, false, true]);
    await hands.click(screen.getByLabelText("Water"));
    expect(hidden.value).toEqual(["forest"]);
    expect(drawn()).toEqual([false, true, true]);
  });
  it("can be turned by the keyboard", async () => {
    const { hands, hidden } = chosen();
    await hands.tab();
    expect(document.activeElement).toBe(screen.getByLabelText("Forest"));
    await hands.keyboard(" ");
    expect(hidden.value).toEqual(["forest"]);
  });
  it("are taken away and put back all at once, where there are any left", async () => {
    const { hands, hidden } = chosen(["water"]);
    await hands.click(button("Show none"));
    expect(hidden.value).toEqual(["forest", "water", "bare"]);
    expect([button("Show none").disabled, button("Show all").disabled]).toEqual([true, false]);
    await hands.click(button("Show all"));
    expect(hidden.value).toEqual([]);
    expect([button("Show none").disabled, button("Show all").disabled]).toEqual([false, true]);
  });
  it("can all be shown again where one was hidden that is no class any more", async () => {
    const { hands, onHide } = chosen(["glacier"]);
    expect(drawn()).toEqual([true, true, true]);
    await hands.click(button("Show all"));
    expect(onHide).toHaveBeenCalledWith([]);
  });
  it("stand beside what is not known, which is no choice", () => {
    chosen([], true);
    expect(screen.getByText("No data").closest("label")).toBeNull();
    expect(drawn()).toHaveLength(3);
  });
});
