import { render } from "preact";
import { act } from "preact/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import type { Feature } from "../../kit/features";
import { levelName, unitName } from "../../kit/terms";
import { lang } from "../../kit/words";
import { placeText, StateOfCase, stepBody } from "./cases";
import { arrivalOf } from "./health";
import {
  type Alert,
  isSilent,
  joined,
  limitsFor,
  type Newest,
  type Rule,
  stateOf,
} from "./readings";
import { contentsOf, limitsText, ruleSent } from "./rules";
import { pointOf, seriesPath } from "./station";
import { closest, lastOf } from "./stations";

beforeEach(() => {
  lang.value = "en";
});

const place = (code: string, lon: number, lat: number): Feature => ({
  type: "Feature",
  id: code,
  geometry: { type: "Point", coordinates: [lon, lat] },
  properties: { name_zh: code, name_en: code },
});
const value = (station: string, more: Partial<Newest> = {}): Newest => ({
  station,
  property: "ph",
  time: "2026-01-02T03:00:00Z",
  value: 7,
  unit: "1",
  gap: false,
  ...more,
});
const alert = (station: string, level: string, kind = "above") =>
  ({ station, level, kind }) as unknown as Alert;
const rule = (more: Partial<Rule> = {}): Rule => ({
  code: "r",
  name: "Rule",
  name_zh: "规则",
  name_en: "Rule",
  kind: "above",
  kind_name: "Above a limit",
  property: "ph",
  unit: "mg/L",
  stations: null,
  region: null,
  plan: null,
  indicator: null,
  control_kind: null,
  balance_kind: null,
  settlement_state: null,
  limits: { red: 9, yellow: 8 },
  reset: 8,
  min_duration_s: 0,
  max_age_s: 604_800,
  any_quality: false,
  enabled: true,
  quiet: null,
  valid_from: null,
  valid_to: null,
  ...more,
});

describe("a station's state", () => {
  const [one] = joined([place("a", 118, 24)], [value("a"), value("b")], []);
  it("is made of its own values alone", () => {
    expect(one?.newest).toHaveLength(1);
    expect(one && stateOf(one).tone).toBe("good");
  });
  it("is that of its most serious alert", () => {
    const alerts = [alert("a", "yellow"), alert("a", "red"), alert("b", "blue")];
    const [found] = joined([place("a", 118, 24)], [value("a")], alerts);
    expect(found?.alerts.map(({ level }) => level)).toEqual(["red", "yellow"]);
    expect(found && stateOf(found)).toMatchObject({ tone: "bad", text: "red alert" });
  });
  it("is silent where nothing comes, whatever the rule about that says", () => {
    const [found] = joined(
      [place("a", 118, 24)],
      [value("a", { gap: true })],
      [alert("a", "orange", "no_data")],
    );
    expect(found && stateOf(found).text).toBe("silent");
  });
  it("is not known where nothing ever came", () => {
    const [found] = joined([place("a", 118, 24)], [], []);
    expect(found && stateOf(found).text).toBe("no data yet");
  });
});

describe("arrival", () => {
  it("is in time, in part, silent or never", () => {
    const texts = [
      [value("a")],
      [value("a"), value("a", { gap: true })],
      [value("a", { gap: true })],
      [],
    ].map((newest) => arrivalOf({ newest }).text);
    expect(texts).toEqual(["in time", "1 series silent", "silent", "never arrived"]);
  });
  it("of no series is not silence", () => expect(isSilent([])).toBe(false));
  it("was last when the newest value came", () =>
    expect(lastOf([value("a"), value("a", { time: "2026-02-01T00:00:00Z" })])).toBe(
      "2026-02-01T00:00:00Z",
    ));
});

describe("limits of a property at a station", () => {
  it("come from the least to the most serious", () =>
    expect(limitsFor([rule()], "a", "ph").map(({ level, value }) => [level, value])).toEqual([
      ["yellow", 8],
      ["red", 9],
    ]));
  it("are those of rules that judge it", () => {
    const others = [
      rule({ enabled: false }),
      rule({ property: "oxygen" }),
      rule({ stations: ["b"] }),
      rule({ kind: "rate" }),
    ];
    expect(limitsFor(others, "a", "ph")).toEqual([]);
  });
  it("are told in words", () => expect(limitsText(rule())).toBe("yellow 8 mg/L; red 9 mg/L"));
});

describe("a rule that is sent", () => {
  it("has no members that are only read", () => {
    const sent = contentsOf(rule());
    expect(Object.keys(sent)).not.toContain("code");
    expect(Object.keys(sent)).not.toContain("kind_name");
    expect(sent.limits).toEqual({ red: 9, yellow: 8 });
  });
  it("keeps what its kind takes, and no member of another kind", () => {
    const typed = {
      kind: "no_data",
      property: "ph",
      stations: ["a"],
      limits: { red: 60 },
      plan: "p",
    };
    expect(ruleSent(typed)).toEqual({ kind: "no_data", stations: ["a"], limits: { red: 60 } });
  });
  it("of a kind that the form does not make goes back as it came", () => {
    const kept = { kind: "balance_short", balance_kind: "farmland", limits: { red: 1 } };
    expect(ruleSent(kept)).toEqual(kept);
  });
});

describe("the series that is drawn", () => {
  it("ends with the newest value", () => {
    const path = seriesPath(value("a b"), "day");
    const query = new URLSearchParams(path.split("?")[1]);
    expect(query.get("every")).toBe("day");
    expect(query.get("station")).toBe("a b");
    expect(query.get("datetime")).toBe("2025-01-01T03:00:00.000Z/2026-01-02T03:00:00Z");
  });
  it("of values has no step", () =>
    expect(seriesPath(value("a"), "values")).not.toContain("every"));
  it("is of values or of means", () => {
    expect(pointOf({ time: "t", value: 0 }).value).toBe(0);
    expect(pointOf({ time: "t", mean: 3 }).value).toBe(3);
  });
});

describe("a click on the map", () => {
  const stations = joined([place("a", 118, 24), place("b", 118.01, 24)], [], []);
  it("means the nearest station", () =>
    expect(closest(stations, { lon: 118.009, lat: 24 })?.code).toBe("b"));
  it("far from all means none", () =>
    expect(closest(stations, { lon: 119, lat: 24 })).toBeUndefined());
});

describe("a step of a case", () => {
  it("sends what was filled in, and papers where it needs them", () => {
    expect(
      stepBody({ to: "verified", needs: ["note", "result"] }, { note: "x", result: "" }, ["p"]),
    ).toEqual({
      to: "verified",
      note: "x",
      documents: ["p"],
    });
    expect(
      stepBody({ to: "closed", needs: [] }, { assignee: "typed for another step" }, []),
    ).toEqual({ to: "closed" });
  });
  it("may say where somebody stood", () => {
    const at = { lon: 118.0812346, lat: 24.4567891, accuracy_m: 12.4 };
    expect(placeText(at)).toBe("At 24.456789° N, 118.081235° E (within about 12 m)");
    lang.value = "zh";
    expect(placeText(at)).toContain("东经 118.081235°");
  });
});

it("states, levels and units are words in both languages", () => {
  const box = document.createElement("div");
  act(() => render(<StateOfCase state="rectification" />, box));
  expect(box.textContent).toBe("in rectification");
  lang.value = "zh";
  act(() => render(<StateOfCase state="rectification" />, box));
  expect(box.textContent).toBe("整改中");
  expect(levelName("orange")).toBe("橙色");
  expect([unitName("Cel"), unitName("1"), unitName("mg/L")]).toEqual(["°C", "", "mg/L"]);
});
