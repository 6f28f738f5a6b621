import { describe, expect, it, vi } from "vitest";
import { type Answer, cellsOf, open, refused, screen, serve, waitFor } from "../../kit/testing";
import type { Rule } from "./readings";
import { pointOf, StationDetails, seriesPath } from "./station";
import { newest, PROPERTIES, rule, station } from "./testing";

vi.mock("uplot", () => ({
  default: class {
    static tzDate = (at: Date) => at;
    setSize() {}
    destroy() {}
  },
}));

const values = [
  newest("yd", { property: "temperature", value: 21.5, unit: "Cel" }),
  newest("yd", { value: 1.75 }),
];
const series = [
  { time: "2026-01-02T01:00:00Z", mean: 6 },
  { time: "2026-01-02T02:00:00Z", mean: 0 },
];
const answers = (rules: readonly Rule[] = [rule()]): Record<string, Answer> => ({
  "GET /collections/stations/items/yd": station("yd", 118.1, 24.48),
  "GET /properties": PROPERTIES,
  "GET /alert-rules": { rules, links: [] },
  "GET /observations": ({ query }) => ({ observations: query.has("latest") ? values : series }),
});
const details = (property?: string) => (
  <StationDetails code="yd" property={property} onBack={() => {}} />
);
const member = { scopes: ["read"] } as const;

describe("the series that is drawn", () => {
  const query = (path: string) => new URLSearchParams(path.split("?")[1]);

  it("ends with the newest value, and is longer the coarser it is", () => {
    const daily = query(seriesPath(newest("a b"), "day"));
    expect(daily.get("station")).toBe("a b");
    expect(daily.get("every")).toBe("day");
    expect(daily.get("datetime")).toBe("2025-01-01T03:00:00.000Z/2026-01-02T03:00:00Z");
    expect(query(seriesPath(newest("a"), "hour")).get("datetime")).toBe(
      "2025-12-02T03:00:00.000Z/2026-01-02T03:00:00Z",
    );
  });
  it("of each value has no step, and is of three days", () => {
    const each = query(seriesPath(newest("a"), "values"));
    expect(each.has("every")).toBe(false);
    expect(each.get("datetime")).toBe("2025-12-30T03:00:00.000Z/2026-01-02T03:00:00Z");
  });
  it("is of values or of means; 0 is a value, and nothing is none", () => {
    expect(pointOf({ time: "t", value: 0 }).value).toBe(0);
    expect(pointOf({ time: "t", mean: 3 }).value).toBe(3);
    expect(pointOf({ time: "t" }).value).toBeNaN();
  });
});

describe("a station", () => {
  it("tells its newest values beside the limits that rules set", async () => {
    serve(answers());
    open(details(), member);
    expect(await cellsOf("Newest values")).toEqual([
      ["Water temperature", "21.5 °C", "–", "2026-01-02 11:00", "in time"],
      [
        "Dissolved oxygen",
        "1.75 mg/L",
        "yellow < 5 (beyond)red < 2 (beyond)",
        "2026-01-02 11:00",
        "in time",
      ],
    ]);
  });
  it("is not beyond a limit that it has just reached", async () => {
    serve(answers([rule({ kind: "above", limits: { yellow: 1.75, orange: 1.5 } })]));
    open(details(), { ...member, lang: "zh" });
    const [, oxygen] = await cellsOf("最新值");
    expect(oxygen?.[2]).toBe("黄色 > 1.75橙色 > 1.5（已超）");
  });
  it("shows the public no limits: rules are for those who have a role", async () => {
    const sent = serve(answers());
    open(details());
    expect((await cellsOf("Newest values")).map((row) => row[2])).toEqual(["–", "–"]);
    expect(sent.some(({ path }) => path === "/alert-rules")).toBe(false);
  });
  it("begins with what is judged, and goes to what one opens", async () => {
    serve(answers());
    const hands = open(details(), member);
    expect(await screen.findByRole("heading", { name: "Dissolved oxygen" })).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Water temperature" }));
    expect(await screen.findByRole("heading", { name: "Water temperature" })).toBeTruthy();
    expect(screen.queryByRole("heading", { name: "Dissolved oxygen" })).toBeNull();
  });
  it("begins with the property that an alert was about", async () => {
    serve(answers());
    open(details("temperature"), member);
    expect(await screen.findByRole("heading", { name: "Water temperature" })).toBeTruthy();
  });
  it("has its series as a table, too, by the bureau's clock", async () => {
    serve(answers());
    const hands = open(details(), member);
    await hands.click(await screen.findByText("The same as a table"));
    expect(await cellsOf("Dissolved oxygen")).toEqual([
      ["2026-01-02 09:00", "Dissolved oxygen", "6"],
      ["2026-01-02 10:00", "Dissolved oxygen", "0"],
    ]);
  });
  it("asks for the series by hour, and again by what is chosen", async () => {
    const sent = serve(answers());
    const hands = open(details(), member);
    await screen.findByText("The same as a table");
    const steps = screen.getByRole("combobox", { name: "By hour, day or month" });
    await hands.selectOptions(steps, "monthly means (10 years)");
    await hands.selectOptions(steps, "each value (3 days)");
    const asked = () =>
      sent
        .filter(({ path, query }) => path === "/observations" && !query.has("latest"))
        .map(({ query }) => [query.get("property"), query.get("every")]);
    await waitFor(() =>
      expect(asked()).toEqual([
        ["do", "hour"],
        ["do", "month"],
        ["do", null],
      ]),
    );
  });
  it("says that nothing came in that time", async () => {
    serve({
      ...answers(),
      "GET /observations": ({ query }) => ({ observations: query.has("latest") ? values : [] }),
    });
    open(details(), { ...member, lang: "zh" });
    expect(await screen.findByText("这段时间没有数据。")).toBeTruthy();
    expect(screen.queryByText("以表格查看")).toBeNull();
  });
  it("of which nothing ever came has no series", async () => {
    serve({ ...answers(), "GET /observations": { observations: [] } });
    open(details(), member);
    expect(await screen.findByText("Nothing has come yet.")).toBeTruthy();
    expect(screen.queryByRole("combobox")).toBeNull();
  });
  it("keeps its values in sight where the series is refused", async () => {
    serve({
      ...answers(),
      "GET /observations": ({ query }) =>
        query.has("latest") ? { observations: values } : refused(503, "the series is away"),
    });
    open(details(), member);
    expect(await screen.findByText("the series is away")).toBeTruthy();
    expect(await cellsOf("Newest values")).toHaveLength(2);
  });
  it("has a page for print, by its code as it is", async () => {
    serve({
      ...answers(),
      "GET /collections/stations/items/{}": station("y d", 118, 24),
    });
    open(<StationDetails code="y d" property={undefined} onBack={() => {}} />, member);
    const page = await screen.findByRole("link", { name: "Page of the station" });
    expect(page.getAttribute("href")).toBe(`${location.origin}/stations/y%20d/observations?f=html`);
  });
});
