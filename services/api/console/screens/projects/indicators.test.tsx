import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  cellsOf,
  naming,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Indicators, marksOf, scaleOf } from "./indicators";
import Projects from "./projects";

type Judged = Schema<"JudgedIndicator">;

const target = (year: number | null, value: number | null): Schema<"JudgedTarget"> => ({
  role: "target",
  year,
  value,
  comparator: "ge",
  sense: "at_least",
  cumulative_from: null,
  revisable: true,
  source: null,
  status: "on_track",
  gap: null,
  path_value: null,
  progress_percent: null,
  remarks: [],
  stage: "final",
});
const judged = (indicator: string, more: Partial<Judged> = {}): Judged => ({
  status: "on_track",
  gap: null,
  path_value: null,
  progress_percent: null,
  remarks: [],
  indicator,
  order: 1,
  name_zh: `${indicator}指标`,
  name_en: `Indicator ${indicator}`,
  unit: "km2",
  property: "binding",
  direction: "higher",
  category: { code: "water", name_zh: "水", name_en: "Water" },
  department: null,
  region: { code: "xiamen", name_zh: "厦门市", name_en: "Xiamen" },
  base: { year: 2020, value: 10 },
  target: target(2035, 40),
  value: 20,
  value_year: 2024,
  targets: [target(2035, 40)],
  references: [],
  trend: null,
  projects: null,
  ...more,
});
const observed = (
  id: number,
  year: number,
  value: number,
  more: Partial<Schema<"ObservedValue">> = {},
): Schema<"ObservedValue"> => ({
  id,
  year,
  value,
  unit: "km2",
  given: null,
  cumulative: false,
  counts: true,
  quality: null,
  method: null,
  source: "survey",
  note: null,
  department: null,
  dataset: null,
  job: null,
  provenance: null,
  recorded_by: "key:li",
  recorded_at: "2025-01-02T02:00:00Z",
  ...more,
});
const progress = (...indicators: Judged[]) => ({ year: 2024, indicators });
const valuesOf = (...values: Schema<"ObservedValue">[]) => ({ unit: "km2", values });
const three = [
  judged("shore"),
  judged("wetland", {
    status: "behind",
    order: 2,
    property: "expected",
    category: null,
    base: { year: null, value: null },
    target: target(null, 5),
    unit: "10^4 m3",
  }),
  judged("forest", {
    status: "no_data",
    order: 3,
    base: null,
    target: null,
    value: null,
    value_year: null,
    unit: "1",
  }),
];
const answers: Record<string, Answer> = {
  "GET /actors": naming({ "key:li": "Li Wei" }),
  "GET /plans/xiamen-1/progress": progress(...three),
  "GET /plans/xiamen-1/indicators/shore/values": valuesOf(
    observed(2, 2024, 20),
    observed(1, 2022, 15.5),
    observed(3, 2024, 99, { counts: false }),
  ),
};
const table = <Indicators plan="xiamen-1" status="" />;
const names = async () => (await cellsOf("Indicators")).map(([name]) => name);

describe("the marks of an indicator", () => {
  const seen = [{ year: 2024, value: 20 }] as Schema<"ObservedValue">[];
  const one = judged("shore", {
    targets: [target(2035, 40), target(null, 5), target(2030, null)],
  });

  it("are what has a year and a number", () =>
    expect(marksOf(one, seen)).toEqual([
      { year: 2020, value: 10, kind: "base" },
      { year: 2024, value: 20, kind: "value" },
      { year: 2035, value: 40, kind: "target" },
    ]));
  it("have no base where its year is not known", () =>
    expect(marksOf(judged("x", { base: { year: null, value: 3 }, targets: [] }), [])).toEqual([]));
  it("spread over the width by year and over the height by value", () => {
    const { x, y } = scaleOf(marksOf(one, seen));
    // 560 by 180 with an edge of 40: 480 across for fifteen years, 100 up for thirty.
    expect([x(2020), x(2035)]).toEqual([40, 520]);
    expect([y(10), y(25), y(40)]).toEqual([140, 90, 40]);
  });
  it("have a place where there is one alone, or all are alike", () => {
    const alone = scaleOf([{ year: 2020, value: 10, kind: "base" }]);
    expect([alone.x(2020), alone.y(10)]).toEqual([40, 140]);
    const level = scaleOf([
      { year: 2020, value: 7, kind: "value" },
      { year: 2022, value: 7, kind: "value" },
    ]);
    expect([level.x(2021), level.y(7)]).toEqual([280, 140]);
  });
});

describe("the table of indicators", () => {
  it("tells base, value and target with their years, and a dash for what there is none of", async () => {
    serve(answers);
    open(table);
    expect(await cellsOf("Indicators")).toEqual([
      [
        "Indicator shore",
        "binding",
        "Water",
        "10 (2020)",
        "20 (2024)",
        "40 (2035)",
        "km²",
        "on track",
      ],
      ["Indicator wetland", "expected", "", "–", "20 (2024)", "5 (always)", "×10⁴ m³", "behind"],
      ["Indicator forest", "binding", "Water", "–", "–", "–", "", "not judged"],
    ]);
  });
  it("is one line until it is opened, where no figure is known", async () => {
    const bare = { base: null, value: null, value_year: null, target: null, targets: [] };
    serve({
      ...answers,
      "GET /plans/xiamen-1/progress": progress(judged("a", bare), judged("b", bare)),
    });
    open(table);
    const line = await screen.findByText("2 indicators, none with a value or a target");
    expect(line.closest("details")?.open).toBe(false);
    expect(screen.getAllByText("–")[0]?.closest("details")).not.toBeNull();
  });
  it("marks a value that something was noted with, and tells it", async () => {
    const remarks = [{ code: "value_note", zh: "演示 Demo", en: "演示 Demo" }];
    serve({
      ...answers,
      "GET /plans/xiamen-1/progress": progress(judged("a", { remarks }), judged("b")),
    });
    open(table);
    const [first, second] = await cellsOf("Indicators");
    expect([first?.[4], second?.[4]]).toEqual(["20 (2024) *", "20 (2024)"]);
    expect(screen.getByText("* 演示 Demo")).toBeTruthy();
  });
  it("is in Chinese for those who read it", async () => {
    serve(answers);
    open(table, { lang: "zh" });
    const [, second] = await cellsOf("指标");
    expect(second).toEqual([
      "wetland指标",
      "预期性",
      "",
      "–",
      "20 (2024)",
      "5 (常年)",
      "万立方米",
      "滞后",
    ]);
  });
  it("is narrowed to a standing", async () => {
    serve(answers);
    const hands = open(table);
    await names();
    const standing = screen.getByRole("combobox", { name: "Standing" });
    await hands.selectOptions(standing, "behind");
    expect(await names()).toEqual(["Indicator wetland"]);
    await hands.selectOptions(standing, "reached");
    expect(screen.getByText("No indicator matches.")).toBeTruthy();
    await hands.selectOptions(standing, "all");
    expect(await names()).toHaveLength(3);
  });
  it("begins with the standing that home leads to", async () => {
    serve(answers);
    open(<Projects />, { query: "tab=indicators&status=no_data" });
    expect(await names()).toEqual(["Indicator forest"]);
  });
  it("goes in the plan's order by name, and from good to bad by standing", async () => {
    serve({ "GET /plans/xiamen-1/progress": progress(...three.toReversed()) });
    const hands = open(table);
    await names();
    await hands.click(screen.getByRole("button", { name: "Indicator" }));
    expect(await names()).toEqual(["Indicator shore", "Indicator wetland", "Indicator forest"]);
    const standing = screen.getByRole("button", { name: "Standing" });
    await hands.click(standing);
    await hands.click(standing);
    expect(await names()).toEqual(["Indicator forest", "Indicator wetland", "Indicator shore"]);
  });
  it("has a report of the plan beside it", async () => {
    serve(answers);
    open(table);
    const report = await screen.findByRole("link", { name: "Evaluation as DOCX" });
    expect(report.getAttribute("href")).toBe(
      `${location.origin}/plans/xiamen-1/evaluation?f=docx&lang=en`,
    );
  });
  it("tells why it cannot be had", async () => {
    serve({ "GET /plans/xiamen-1/progress": refused(503, "the database is away") });
    open(table);
    expect((await screen.findByRole("alert")).textContent).toContain("the database is away");
  });
});

describe("the course of an indicator", () => {
  const show = async (hands: ReturnType<typeof open>, name = "Indicator shore") =>
    hands.click(await screen.findByRole("button", { name }));
  const chart = () => screen.findByRole("img", { name: /^Values and targets by year/ });
  /** The corners of a line of the chart. */
  const line = async (name: string) =>
    (await chart()).querySelector(`polyline.${name}`)?.getAttribute("points");

  it("is drawn and listed by year, without values that do not count", async () => {
    const sent = serve(answers);
    const hands = open(table, { scopes: ["read"] });
    await show(hands);
    expect(await screen.findAllByText("Li Wei")).toHaveLength(2);
    expect(sent.at(-1)?.query.getAll("code")).toEqual(["key:li"]);
    expect(await cellsOf("Values")).toEqual([
      ["2022", "15.5", "survey", "Li Wei"],
      ["2024", "20", "survey", "Li Wei"],
    ]);
    // 480 across for fifteen years is 32 a year; 100 up for 30 km².
    expect(await line("values")).toBe(`40,140 104,${140 - 5.5 / 0.3} 168,${140 - 10 / 0.3}`);
    expect(await line("path")).toBe("40,140 520,40");
    expect((await chart()).querySelector(".unit")?.textContent).toBe("km²");
  });
  it("goes through targets in the order of years, however they are listed", async () => {
    const targets = [target(2035, 40), target(2025, 20)];
    serve({ ...answers, "GET /plans/xiamen-1/progress": progress(judged("shore", { targets })) });
    const hands = open(table);
    await show(hands);
    expect(await line("path")).toBe(`40,140 200,${140 - 10 / 0.3} 520,40`);
  });
  it("says that there are no values, and draws nothing of nothing", async () => {
    serve({
      "GET /plans/xiamen-1/progress": progress(judged("bare", { base: null, targets: [] })),
      "GET /plans/xiamen-1/indicators/bare/values": valuesOf(),
    });
    const hands = open(table);
    await show(hands, "Indicator bare");
    expect(await screen.findByText("No values yet.")).toBeTruthy();
    expect(screen.queryByRole("img")).toBeNull();
  });
  it("has the remarks of the judgement in the language of the page", async () => {
    const remarks = [{ code: "old", zh: "数值已过期", en: "the value is old" }];
    serve({ ...answers, "GET /plans/xiamen-1/progress": progress(judged("shore", { remarks })) });
    const hands = open(table, { lang: "zh" });
    await show(hands, "shore指标");
    expect(await screen.findByText("数值已过期")).toBeTruthy();
    expect(screen.queryByText("the value is old")).toBeNull();
  });
  it("gives way to that of another indicator", async () => {
    serve({
      ...answers,
      "GET /plans/xiamen-1/indicators/wetland/values": valuesOf(observed(9, 2023, 7)),
    });
    const hands = open(table);
    await show(hands);
    await cellsOf("Values");
    await show(hands, "Indicator wetland");
    await waitFor(async () => expect(await cellsOf("Values")).toHaveLength(1));
    expect(screen.getByRole("heading", { name: "Indicator wetland" })).toBeTruthy();
    expect(screen.queryByRole("heading", { name: "Indicator shore" })).toBeNull();
  });
});

describe("a new value", () => {
  const planner = { scopes: ["read", "write"] } as const;
  const POST = "POST /plans/xiamen-1/indicators/shore/values";
  const begin = async (hands: ReturnType<typeof open>) => {
    await hands.click(await screen.findByRole("button", { name: "Indicator shore" }));
    await hands.click(await screen.findByRole("button", { name: "Report a value" }));
    return within(await screen.findByRole("dialog", { name: "Report: Indicator shore" }));
  };
  const posts = (sent: Sent[]) => sent.filter(({ method }) => method === "POST");

  it.each([
    ["the public", null],
    ["a viewer", ["read"] as const],
    ["an owner of projects", ["read", "projects"] as const],
  ])("is not asked of %s", async (_, scopes) => {
    serve(answers);
    const hands = open(table, { scopes });
    await hands.click(await screen.findByRole("button", { name: "Indicator shore" }));
    await cellsOf("Values");
    expect(screen.queryByRole("button", { name: "Report a value" })).toBeNull();
  });
  it("is recorded, and both the table and the course are asked for again", async () => {
    let value = 20;
    const sent = serve({
      ...answers,
      "GET /plans/xiamen-1/progress": () => progress(judged("shore", { value })),
      [POST]: ({ body }) => {
        value = (body as { value: number }).value;
        return withHeaders({}, {}, 201);
      },
    });
    const hands = open(table, planner);
    const dialog = await begin(hands);
    await hands.clear(dialog.getByRole("spinbutton", { name: /^Year/ }));
    await hands.type(dialog.getByRole("spinbutton", { name: /^Year/ }), "2025");
    await hands.type(dialog.getByRole("spinbutton", { name: "Value (km²)" }), "0.5");
    await hands.click(dialog.getByRole("checkbox", { name: "The total up to the year" }));
    await hands.type(dialog.getByRole("textbox", { name: "Source" }), "survey of 2025");
    await hands.click(dialog.getByRole("button", { name: "Record" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(async () => expect((await cellsOf("Indicators"))[0]?.[4]).toBe("0.5 (2024)"));
    const [post] = posts(sent);
    expect(post?.body).toEqual({
      year: 2025,
      value: 0.5,
      cumulative: true,
      source: "survey of 2025",
    } satisfies Schema<"ValueBody">);
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(post?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(
      sent.filter(({ method, path }) => method === "GET" && path.endsWith("values")),
    ).toHaveLength(2);
  });
  it("is not sent without a number, nor for a year that is none", async () => {
    const sent = serve(answers);
    const hands = open(table, planner);
    const dialog = await begin(hands);
    const send = dialog.getByRole("button", { name: "Record" });
    await hands.click(send);
    await hands.type(dialog.getByRole("spinbutton", { name: /^Value/ }), "3");
    const year = dialog.getByRole<HTMLInputElement>("spinbutton", { name: /^Year/ });
    await hands.clear(year);
    await hands.type(year, "20250");
    await hands.click(send);
    expect(year.validity.valid).toBe(false);
    expect(posts(sent)).toEqual([]);
  });
  it("shows at its field what was refused, and is the same one when it is sent again", async () => {
    const sent = serve({
      ...answers,
      [POST]: refused(400, "/year: the year is before the plan", [
        { pointer: "/year", detail: "the year is before the plan" },
      ]),
    });
    const hands = open(table, planner);
    const dialog = await begin(hands);
    await hands.type(dialog.getByRole("spinbutton", { name: /^Value/ }), "3");
    const send = dialog.getByRole("button", { name: "Record" });
    await hands.click(send);
    expect(await dialog.findByText("Year: the year is before the plan")).toBeTruthy();
    expect(dialog.getByRole("spinbutton", { name: /^Year/ }).getAttribute("aria-invalid")).toBe(
      "true",
    );
    await hands.click(send);
    await waitFor(() => expect(posts(sent)).toHaveLength(2));
    expect(new Set(posts(sent).map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(1);
  });
});
