import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { region } from "../../kit/place";
import { act, cellsOf, open, refused, screen, serve, waitFor, within } from "../../kit/testing";
import { Balances, Duties, Mines } from "./ledgers";

const duty = (
  code: string,
  state: Schema<"BoardDuty">["state"],
  due: string | null = null,
): Schema<"BoardDuty"> => ({
  code,
  name_zh: `${code}职责`,
  name_en: `Duty ${code}`,
  article: "第十二条",
  state,
  due,
});
const board = (rows: Partial<Schema<"BoardRow">>[], by: "party" | "article" = "party") =>
  ({
    title: "Duties",
    plan: "xiamen-1",
    by,
    total: rows.length,
    states: {},
    rows: rows.map((row) => ({
      code: null,
      name_zh: "",
      name_en: "",
      total: 0,
      states: {},
      duties: [],
      ...row,
    })),
    links: [],
  }) satisfies Schema<"DutyBoard">;

/** What the lists below the sums ask for. */
const LISTS = {
  "GET /plans/xiamen-1/duty-reviews": { title: "", plan: "xiamen-1", reviews: [], links: [] },
  "GET /balances/entries": { balance_entries: [], links: [] },
  "GET /collections/mines/schema": { properties: {} },
  "GET /collections/mines/items": { type: "FeatureCollection", features: [], links: [] },
};

describe("the duties of a plan", () => {
  const rows = [
    {
      code: "water",
      name_zh: "水利局",
      name_en: "Water bureau",
      total: 2,
      duties: [duty("d1", "late", "2024-06-30"), duty("d2", "done")],
    },
    { name_zh: "未指定", name_en: "Nobody", total: 1, duties: [duty("d3", "dropped")] },
  ];
  const path = "GET /plans/xiamen-1/duty-board";

  it("are grouped by who is to do them, with state, article and last day", async () => {
    serve({ ...LISTS, [path]: board(rows) });
    open(<Duties plan="xiamen-1" />);
    const water = (await screen.findByText("Water bureau")).closest("details") as HTMLElement;
    expect(
      within(water)
        .getAllByRole("listitem")
        .map((one) => one.textContent?.trim()),
    ).toEqual(["late 第十二条 Duty d1 due 30 Jun 2024", "done 第十二条 Duty d2"]);
    expect(water.querySelector(".count")?.textContent).toBe("2");
  });
  it("are told in Chinese, with states in words", async () => {
    serve({ ...LISTS, [path]: board(rows) });
    open(<Duties plan="xiamen-1" />, { lang: "zh" });
    const group = (await screen.findByText("未指定")).closest("details") as HTMLElement;
    expect(within(group).getByRole("listitem").textContent?.trim()).toBe("终止 第十二条 d3职责");
    expect(screen.getByText("截止 2024年6月30日")).toBeTruthy();
  });
  it("can be grouped by article of the law", async () => {
    const sent = serve({
      ...LISTS,
      [path]: ({ query }) =>
        query.get("by") === "article"
          ? board([{ name_en: "Article 12", duties: [duty("d9", "on_track")] }], "article")
          : board(rows),
    });
    const hands = open(<Duties plan="xiamen-1" />);
    await screen.findByText("Water bureau");
    await hands.selectOptions(screen.getByRole("combobox", { name: "Grouped by" }), "by article");
    expect(await screen.findByText("Article 12")).toBeTruthy();
    expect(screen.queryByText("Water bureau")).toBeNull();
    const boards = sent.filter(({ path }) => path.endsWith("/duty-board"));
    expect(boards.map(({ query }) => query.get("by"))).toEqual(["party", "article"]);
  });
  it("lead to the yearly reviews of the plan in the same language", async () => {
    serve({ ...LISTS, [path]: board([]) });
    open(<Duties plan="xiamen-1" />, { lang: "zh" });
    expect(await screen.findByText("该规划没有列出职责。")).toBeTruthy();
    expect(screen.getByRole("link", { name: "年度考核页面" }).getAttribute("href")).toBe(
      `${location.origin}/plans/xiamen-1/duty-reviews?f=html&lang=zh`,
    );
  });
  it("leave the review of one plan when another is worked on", async () => {
    const head = { year: 2024, state: "open", reports_due_on: "2024-12-31" };
    const answers = {
      ...LISTS,
      "GET /plans/{plan}/duty-board": board([]),
      "GET /plans/xiamen-1/duty-reviews": { reviews: [head], links: [] },
      "GET /plans/xiamen-1/duty-reviews/2024": { ...head, content: { duties: [] }, links: [] },
      "GET /plans/xiamen-2/duty-reviews": { reviews: [], links: [] },
    };
    serve(answers);
    const of = signal("xiamen-1");
    const Chosen = () => <Duties plan={of.value} />;
    const hands = open(<Chosen />);
    await hands.click(await screen.findByRole("button", { name: "2024" }));
    expect(await screen.findByRole("heading", { name: "Review of 2024" })).toBeTruthy();
    await act(async () => {
      of.value = "xiamen-2";
    });
    expect(await screen.findByText("There are no reviews yet.")).toBeTruthy();
  });
  it("are asked for again after a failure, in the grouping that was chosen", async () => {
    let down = true;
    const sent = serve({
      ...LISTS,
      [path]: () => (down ? refused(503, "try later") : board(rows)),
    });
    const hands = open(<Duties plan="xiamen-1" />);
    expect(await screen.findByText("try later")).toBeTruthy();
    down = false;
    await hands.selectOptions(screen.getByRole("combobox", { name: "Grouped by" }), "by article");
    expect(await screen.findByText("Water bureau")).toBeTruthy();
    expect(screen.queryByText("try later")).toBeNull();
    expect(sent.at(-1)?.query.get("by")).toBe("article");
  });
});

describe("what was taken and given back", () => {
  const year = (more: Partial<Schema<"YearOfBalance">>): Schema<"YearOfBalance"> => ({
    kind: "cultivated_land",
    kind_name: "Cultivated land",
    unit: "ha",
    taken: "1234.5678",
    given: "10.00",
    taken_proposed: "0",
    given_proposed: "0",
    year: 2023,
    balance: "-2.50",
    carried: "-2.50",
    ...more,
  });
  const rule: Schema<"BalanceRuleShown"> = {
    kind: "cultivated_land",
    kind_name: "Cultivated land",
    ratio: "1",
    restore_before_occupy: true,
    pool: false,
    graded: true,
    condition: null,
    legal_basis: "土地管理法第三十条",
    text_zh: null,
    text_en: null,
    confirm: false,
  };
  const balances = (...rows: Schema<"YearOfBalance">[]): Schema<"RegionalBalances"> => ({
    region: "xiamen",
    region_name: "Xiamen",
    year: null,
    as_of: null,
    balances: rows,
    regions: [],
    rules: [rule],
    links: [],
  });

  it("is told by kind and year, with what is carried on", async () => {
    const other = {
      kind: "sea_area",
      kind_name: "Sea area",
      year: 2024,
      carried: "30000",
    } as const;
    serve({ ...LISTS, "GET /balances": balances(year({}), year(other)) });
    open(<Balances />);
    expect(await cellsOf("Balances")).toEqual([
      ["Cultivated land", "2023", "1,234.5678", "10", "-2.5", "ha"],
      ["Sea area", "2024", "1,234.5678", "10", "30,000", "ha"],
    ]);
    expect(screen.getByText("Rules that apply: 1")).toBeTruthy();
  });
  it("can be put in order by year", async () => {
    serve({ ...LISTS, "GET /balances": balances(year({ year: 2024 }), year({ year: 2021 })) });
    const hands = open(<Balances />, { lang: "zh" });
    await cellsOf("占补台账");
    await hands.click(screen.getByRole("button", { name: /^年份/ }));
    expect((await cellsOf("占补台账")).map((row) => row[1])).toEqual(["2021", "2024"]);
    expect((await cellsOf("占补台账"))[0]?.[5]).toBe("公顷");
  });
  it("is of another region when that is chosen", async () => {
    const sent = serve({
      ...LISTS,
      "GET /balances": ({ query }) =>
        query.get("region") === "xiamen" ? balances(year({})) : balances(),
    });
    open(<Balances />);
    await cellsOf("Balances");
    await act(async () => {
      region.value = "zhangzhou";
    });
    expect(await screen.findByText("The region has no entries yet.")).toBeTruthy();
    const asked = sent.filter(({ path }) => path === "/balances");
    expect(asked.at(-1)?.query.get("region")).toBe("zhangzhou");
    const entries = sent.filter(({ path }) => path === "/balances/entries");
    expect(entries.at(-1)?.query.get("filter")).toContain("region = 'zhangzhou'");
    expect(screen.getByRole("link").getAttribute("href")).toContain("region=zhangzhou");
  });
});

describe("mines that are still open", () => {
  const stock = (more: Partial<Schema<"MineStock">> = {}): Schema<"MineStock"> => ({
    region: "xiamen",
    region_name: "Xiamen",
    plan: null,
    plan_name: null,
    mine_count: 12,
    unmeasured: 0,
    years: [
      {
        year: 2023,
        listed_ha: "1040.2525",
        open_ha: "1030.0025",
        restored_ha: "10.25",
        mines_open: 9,
      },
      { year: 2024, listed_ha: "40.25", open_ha: "0", restored_ha: "30", mines_open: 0 },
    ],
    links: [],
    ...more,
  });
  it("are told by year, and end at 0 where all are restored", async () => {
    serve({ ...LISTS, "GET /mines/stock": stock() });
    open(<Mines />);
    expect(await cellsOf("At the end of each year")).toEqual([
      ["2023", "1,040.2525", "1,030.0025", "10.25", "9"],
      ["2024", "40.25", "0", "30", "0"],
    ]);
    expect(screen.getByRole("heading", { name: "12 mines" })).toBeTruthy();
    expect(screen.queryByText(/unknown area/)).toBeNull();
  });
  it("say how many could not be counted", async () => {
    serve({ ...LISTS, "GET /mines/stock": stock({ unmeasured: 3 }) });
    open(<Mines />, { lang: "zh" });
    expect(await screen.findByText("3 座未知面积，未计入")).toBeTruthy();
  });
  it("are asked for again where that failed", async () => {
    let down = true;
    serve({ ...LISTS, "GET /mines/stock": () => (down ? refused(503, "try later") : stock()) });
    const hands = open(<Mines />);
    await hands.click(await screen.findByRole("button", { name: "Try again" }));
    expect(await screen.findByText("try later")).toBeTruthy();
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("try later")).toBeNull());
    expect(screen.getByRole("heading", { name: "12 mines" })).toBeTruthy();
  });
});
