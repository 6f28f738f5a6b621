import { beforeEach, describe, expect, it, vi } from "vitest";
import { cellsOf, open, refused, screen, serve } from "../../kit/testing";
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
    const found = [[newest("a")], [newest("a"), silent("a"), silent("a")], [], [silent("a")]].map(
      (newest) => arrivalOf({ newest }),
    );
    expect(found.map(({ text }) => text)).toEqual([
      "in time",
      "2 series silent",
      "never arrived",
      "silent",
    ]);
    expect(found.map(({ order }) => order)).toEqual([3, 2, 1, 0]);
  });
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
