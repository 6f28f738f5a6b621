import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Schema } from "../../kit/api";
import { region } from "../../kit/place";
import {
  type Answer,
  act,
  cellsOf,
  open,
  refused,
  screen,
  serve,
  waitFor,
} from "../../kit/testing";
import { lang } from "../../kit/words";
import { arrivalOf, Health } from "./health";
import { isSilent } from "./readings";
import { around, newest, station } from "./testing";

beforeEach(() => {
  lang.value = "en";
});

const silent = (code: string, more = {}) => newest(code, { gap: true, ...more });

describe("arrival", () => {
  it("is in time, in part, silent or never, the worst first", () => {
    const feature = station("a", 118, 24, { interval_s: 300 });
    const found = [[newest("a")], [newest("a"), silent("a"), silent("a")], [], [silent("a")]].map(
      (newest) => arrivalOf({ newest, feature }),
    );
    expect(found.map(({ text }) => text)).toEqual([
      "in time",
      "2 series silent",
      "never arrived",
      "silent",
    ]);
    expect(found.map(({ order }) => order)).toEqual([4, 2, 1, 0]);
  });
  it("cannot be in time without an interval", () =>
    expect(
      arrivalOf({ newest: [newest("a")], feature: station("a", 118, 24, { interval_s: null }) }),
    ).toEqual({ order: 3, tone: "plain", text: "no interval set" }));
  it("of no series is not silence", () => expect(isSilent([])).toBe(false));
});

describe("the health of feeds", () => {
  const features = [
    station("well", 118, 24, { interval_s: 300 }),
    station("part", 118, 24, { interval_s: 100 }),
    station("gone", 118, 24, { interval_s: null }),
    station("never", 118, 24),
  ];
  const values = [
    newest("well", { time: "2026-01-02T03:00:00Z" }),
    newest("part", { time: "2026-01-02T02:00:00Z" }),
    silent("part", { property: "temperature" }),
    silent("gone", { time: "2026-01-01T00:30:00Z" }),
  ];
  it("puts what is silent first, and tells since when", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-02T03:05:00Z") });
    serve(around(features, values));
    open(<Health onOpen={() => {}} />);
    expect(await cellsOf("Feeds")).toEqual([
      ["Station gone", "silent", "2026-01-01 08:30", "26 h 35 min", "–"],
      ["Station never", "never arrived", "–", "–", "–"],
      ["Station part", "1 series silent", "2026-01-02 11:00", "5 min 0 s", "1.667"],
      ["Station well", "in time", "2026-01-02 11:00", "5 min 0 s", "5"],
    ]);
    expect(screen.getByRole("heading", { name: "1 of 4 stations arrive in time" })).toBeTruthy();
  });
  it("is told in Chinese", async () => {
    serve(around(features, values));
    open(<Health onOpen={() => {}} />, { lang: "zh" });
    expect((await cellsOf("数据到报")).map((row) => row[1])).toEqual([
      "中断",
      "从未到报",
      "1 项中断",
      "正常",
    ]);
    expect(screen.getByRole("heading", { name: "4 个站点，1 个到报正常" })).toBeTruthy();
  });
  it("opens a station", async () => {
    const opened: string[] = [];
    serve(around(features, values));
    const hands = open(<Health onOpen={(code) => opened.push(code)} />);
    await hands.click(await screen.findByRole("button", { name: "Station part" }));
    expect(opened).toEqual(["part"]);
  });
  it("goes by how long nothing has come where that is asked, what never came last", async () => {
    serve(around(features, values));
    const hands = open(<Health onOpen={() => {}} />);
    await hands.click(await screen.findByRole("button", { name: /^Last value/ }));
    expect((await cellsOf("Feeds")).map(([name]) => name)).toEqual([
      "Station gone",
      "Station part",
      "Station well",
      "Station never",
    ]);
  });
  it("says what is refused", async () => {
    serve({
      ...around(features, values),
      "GET /collections/stations/items": refused(503, "try later"),
    });
    open(<Health onOpen={() => {}} />);
    expect(await screen.findByText("try later")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });
});

type Refusal = Schema<"RefusedObservations">;
const rejected = (more: Partial<Refusal> = {}): Refusal => ({
  way: "mqtt",
  way_name: "MQTT",
  station: "well",
  station_name: "Station well",
  pointer: "/unit",
  number: 1200,
  last: "2026-01-02T03:00:00Z",
  detail: "kg is no unit of a concentration",
  ...more,
});

describe("what was refused of the feeds", () => {
  const showing = (answer: Answer) =>
    serve({ ...around([], []), "GET /observations/refused": answer });
  const told = (...rows: Refusal[]) => ({ days: 7, refused: rows, links: [] });
  const member = { scopes: ["read"] } as const;

  it("is counted by station and way, with the newest reason in words", async () => {
    const sent = showing(
      told(
        rejected(),
        rejected({ pointer: "/colour", number: 1, detail: "no such member" }),
        rejected({ station: null, station_name: null, pointer: "/station", detail: "nobody's" }),
      ),
    );
    open(<Health onOpen={() => {}} />, member);
    expect(await cellsOf("Refused data")).toEqual([
      [
        "Station well",
        "MQTT",
        "1,200",
        "2026-01-02 11:00",
        "unit: kg is no unit of a concentration",
      ],
      ["Station well", "MQTT", "1", "2026-01-02 11:00", "no such member"],
      ["unknown station", "MQTT", "1,200", "2026-01-02 11:00", "station: nobody's"],
    ]);
    expect(
      screen.getByRole("heading", { name: "2,401 observations refused in 7 days" }),
    ).toBeTruthy();
    const asked = sent.find(({ path }) => path === "/observations/refused");
    expect(asked?.query.get("region")).toBe("xiamen");
  });
  it("is told in Chinese, and leads to the station", async () => {
    const opened: string[] = [];
    showing(told(rejected({ station_name: "水井站", detail: "单位不符" })));
    const hands = open(<Health onOpen={(code) => opened.push(code)} />, { ...member, lang: "zh" });
    expect((await cellsOf("拒收的数据"))[0]?.[4]).toBe("单位：单位不符");
    expect(screen.getByRole("heading", { name: "最近 7 天拒收 1,200 条观测" })).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "水井站" }));
    expect(opened).toEqual(["well"]);
  });
  it("puts what was refused most first where that is asked", async () => {
    showing(told(rejected({ number: 2 }), rejected({ station: "part", number: 30 })));
    const hands = open(<Health onOpen={() => {}} />, member);
    const rows = await screen.findByRole("button", { name: /^Rows/ });
    await hands.click(rows);
    await hands.click(rows);
    expect((await cellsOf("Refused data")).map((row) => row[2])).toEqual(["30", "2"]);
  });
  it("is asked for anew in another region", async () => {
    const sent = showing(told());
    open(<Health onOpen={() => {}} />, member);
    expect(await screen.findByText("Nothing was refused.")).toBeTruthy();
    act(() => {
      region.value = "xiamen.siming";
    });
    await waitFor(() =>
      expect(
        sent
          .filter(({ path }) => path === "/observations/refused")
          .map(({ query }) => query.get("region")),
      ).toEqual(["xiamen", "xiamen.siming"]),
    );
  });
  it("is nothing that the public may know", async () => {
    const sent = serve(around([station("well", 118, 24)], []));
    open(<Health onOpen={() => {}} />);
    await cellsOf("Feeds");
    expect(sent.some(({ path }) => path === "/observations/refused")).toBe(false);
    expect(screen.queryByRole("heading", { name: /refused/ })).toBeNull();
  });
  it("leaves the table of stations where it cannot be told", async () => {
    serve({
      ...around([station("well", 118, 24)], []),
      "GET /observations/refused": refused(503, "try later"),
    });
    open(<Health onOpen={() => {}} />, member);
    expect((await screen.findByRole("alert")).textContent).toContain("try later");
    expect(await cellsOf("Feeds")).toHaveLength(1);
  });
});
