import { beforeEach, describe, expect, it } from "vitest";
import { lang } from "../../kit/words";
import { joined, limitsFor, stateOf } from "./readings";
import { alert, newest, rule, station } from "./testing";

beforeEach(() => {
  lang.value = "en";
});

const stateWith = (
  values: Parameters<typeof joined>[1],
  alerts: Parameters<typeof joined>[2] = [],
) => {
  const [one] = joined([station("a", 118, 24, { interval_s: 300 })], values, alerts);
  return one && stateOf(one);
};

describe("a station", () => {
  it("has its own values and alerts alone, the most serious first", () => {
    const at = (of: string, level: "yellow" | "red" | "blue") => alert({ station: of, level });
    const [one] = joined(
      [station("a", 118, 24)],
      [newest("a"), newest("b")],
      [at("a", "yellow"), at("a", "red"), at("b", "blue")],
    );
    expect(one?.newest.map((value) => value.station)).toEqual(["a"]);
    expect(one?.alerts.map(({ level }) => level)).toEqual(["red", "yellow"]);
  });
  it("is well where values come in time and nothing is open", () =>
    expect(stateWith([newest("a")])).toMatchObject({ tone: "good", text: "normal" }));
  it.each([
    ["red", "bad", "red alert"],
    ["orange", "bad", "orange alert"],
    ["yellow", "warn", "yellow alert"],
    ["blue", "warn", "blue alert"],
  ] as const)("under a %s alert is %s", (level, tone, text) =>
    expect(stateWith([newest("a")], [alert({ station: "a", level })])).toMatchObject({
      tone,
      text,
    }),
  );
  it("is silent where nothing comes, whatever the rule about that says", () => {
    const about = alert({ station: "a", level: "red", kind: "no_data" });
    expect(stateWith([newest("a", { gap: true })], [about])?.text).toBe("silent");
  });
  it("is not well where no interval tells what is silent", () => {
    const [one] = joined([station("a", 118, 24)], [newest("a")], []);
    expect(one && stateOf(one)).toMatchObject({ tone: "plain", text: "no interval set" });
  });
  it("is beyond a limit even where nothing comes any more", () =>
    expect(
      stateWith([newest("a", { gap: true })], [alert({ station: "a", level: "red" })])?.text,
    ).toBe("red alert"));
  it("is not known where nothing ever came", () => {
    expect(stateWith([])?.text).toBe("no data yet");
    lang.value = "zh";
    expect(stateWith([])?.text).toBe("尚无数据");
  });
});

describe("limits of a property at a station", () => {
  const at = (region: string | null = null) => station("a", 118, 24, { region });
  it("come from the least to the most serious", () =>
    expect(limitsFor([rule()], at(), "do").map(({ level, value }) => [level, value])).toEqual([
      ["yellow", 5],
      ["red", 2],
    ]));
  it("may be 0", () =>
    expect(limitsFor([rule({ limits: { red: 0 } })], at(), "do")[0]?.value).toBe(0));
  it.each([
    ["is off", { enabled: false }],
    ["judges another property", { property: "temperature" }],
    ["holds at other stations", { stations: ["b"] }],
    ["judges how fast values change", { kind: "rate" as const }],
    ["is of another region", { region: "banan" }],
    ["is of a namesake of its region", { region: "xiamen.si" }],
    ["is of a part of its region alone", { region: "xiamen.siming.a" }],
    ["holds from another day on", { valid_from: "9999-01-01" }],
    ["has ended", { valid_to: "2020-01-01" }],
  ])("are none of a rule that %s", (_, more) =>
    expect(limitsFor([rule(more)], at("xiamen.siming"), "do")).toEqual([]),
  );
  it.each([
    ["everywhere", { region: null }],
    ["in its region", { region: "xiamen.siming" }],
    ["in the one above it", { region: "xiamen" }],
    ["in these years", { valid_from: "2020-01-01", valid_to: "9999-01-01" }],
  ])("are those of a rule that holds %s", (_, more) =>
    expect(limitsFor([rule(more)], at("xiamen.siming"), "do")).toHaveLength(2),
  );
  it("are none of a rule with a region where the station is in none", () =>
    expect(limitsFor([rule({ region: "xiamen" })], at(), "do")).toEqual([]));
});
