import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  cellsOf,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { DutyReviews, figuresOf } from "./duty_reviews";

const BASE = "/plans/xiamen-1/duty-reviews";
type Report = Schema<"ReviewedReport">;

const report = (code: string, more: Partial<Report> = {}): Report => ({
  party: { code, name_zh: `${code}局`, name_en: `Bureau of ${code}` },
  outcome: "missing",
  text: null,
  figures: [],
  evidence: [],
  reported_at: null,
  judgement: null,
  judged_at: null,
  ...more,
});
const SENT: Partial<Report> = {
  outcome: "waiting",
  text: "We planted.",
  figures: [{ name: "forest", value: "120", unit: "ha" }],
  evidence: ["d1"],
  reported_at: "2024-05-06T02:00:00Z",
};
const head = (state: "open" | "frozen" = "open") => ({
  year: 2024,
  state,
  reports_due_on: "2024-12-31",
  sha256: null,
  frozen_at: null,
});
const review = (reports: Report[], state: "open" | "frozen" = "open") => ({
  ...head(state),
  title: "",
  content: {
    duties: [
      {
        code: "d1",
        name_zh: "造林",
        name_en: "Planting",
        article: "第十二条",
        state: "on_track",
        due: null,
        reports,
      },
    ],
  },
  links: [],
});

const as = (role: string, region: string | null = "xiamen") => ({
  scopes: ["read", "projects"] as const,
  roles: [{ role, region }],
});
const field = (name: string) => screen.findByLabelText<HTMLInputElement>(new RegExp(`^${name}`));
const button = (name: string) => screen.findByRole("button", { name });
const writes = (sent: Sent[]) => sent.filter(({ method }) => method !== "GET");

function show(
  who: Parameters<typeof open>[1],
  reports: Report[],
  more: Record<string, Answer> = {},
  state: "open" | "frozen" = "open",
) {
  const sent = serve({
    [`GET ${BASE}`]: { title: "", plan: "xiamen-1", reviews: [head(state)], links: [] },
    [`GET ${BASE}/2024`]: review(reports, state),
    ...more,
  });
  const hands = open(
    <>
      <DutyReviews plan="xiamen-1" />
      <Notices />
    </>,
    who,
  );
  return { sent, hands };
}

describe("the yearly reviews of duties", () => {
  it("are listed with their state and the last day for reports", async () => {
    show({ lang: "zh" }, []);
    expect(await cellsOf("年度考核")).toEqual([["2024", "进行中", "2024年12月31日"]]);
    expect(screen.queryByRole("button", { name: "开展年度考核" })).toBeNull();
  });
  it.each([
    ["an owner", as("owner")],
    ["a planner elsewhere", as("planner", "banan")],
    ["a viewer", { ...as("planner"), scopes: ["read"] as const }],
  ])("are not begun by %s", async (_, who) => {
    show(who, []);
    await cellsOf("Yearly reviews");
    expect(screen.queryByRole("button", { name: "Begin a review" })).toBeNull();
  });
  it("are begun by a planner, and opened", async () => {
    const { sent, hands } = show(as("planner"), [report("water")], {
      [`POST ${BASE}`]: withHeaders(review([]), {}, 201),
    });
    await hands.click(await button("Begin a review"));
    await hands.clear(await field("Year \\*"));
    await hands.type(await field("Year \\*"), "2024");
    await hands.type(await field("Last day for reports"), "2024-12-31");
    await hands.click(await button("Begin"));
    expect(await screen.findByRole("heading", { name: "Review of 2024" })).toBeTruthy();
    expect(writes(sent)[0]?.body).toEqual({ year: 2024, reports_due_on: "2024-12-31" });
    await hands.click(await button("Back to the list"));
    expect(await cellsOf("Yearly reviews")).toHaveLength(1);
  });
  it("say at the field why none is begun", async () => {
    const wrong = [{ pointer: "/year", detail: "year 2090 has not begun" }];
    const { hands } = show(as("supervisor"), [], { [`POST ${BASE}`]: refused(400, "no", wrong) });
    await hands.click(await button("Begin a review"));
    await hands.type(await field("Last day for reports"), "2090-12-31");
    await hands.click(await button("Begin"));
    const year = await field("Year \\*");
    await waitFor(() => expect(year.closest(".field")?.textContent).toContain("has not begun"));
  });
});

describe("a review", () => {
  it("tells what each party has reported, and how that was judged", async () => {
    const judged = report("forest", { ...SENT, outcome: "partly_met", judgement: "too little" });
    const { hands } = show(undefined, [report("water"), judged], {}, "frozen");
    await hands.click(await button("2024"));
    const [first, second] = await screen.findAllByRole("listitem");
    expect(first?.textContent?.trim()).toBe("not reported Bureau of water");
    expect(second?.textContent).toContain("partly met Bureau of forest");
    expect(second?.textContent).toContain("forest: 120 ha");
    expect(second?.textContent).toContain("Judgement:  too little");
    for (const name of ["Report", "Report again", "Judge", "Freeze"])
      expect(screen.queryByRole("button", { name })).toBeNull();
  });
  it("takes a report with its figures", async () => {
    const { sent, hands } = show(as("owner"), [report("water")], {
      [`PUT ${BASE}/2024/reports/d1/water`]: review([report("water", SENT)]),
    });
    await hands.click(await button("2024"));
    await hands.click(await button("Report"));
    await hands.type(await field("What was done"), "We planted.");
    await hands.type(await field("Figures"), "new forest: 120 ha\nprojects: 3");
    await hands.click(await button("Send"));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes(sent)[0]?.body).toEqual({
      text: "We planted.",
      figures: [
        { name: "new forest", value: "120", unit: "ha" },
        { name: "projects", value: "3" },
      ],
      evidence: [],
    });
    await waitFor(() => expect(sent.filter(({ path }) => path === `${BASE}/2024`)).toHaveLength(3));
  });
  it("is reported to again with what was told before, until that is judged", async () => {
    const reports = [report("water", SENT), report("forest", { ...SENT, outcome: "met" })];
    const { sent, hands } = show(as("planner"), reports, {
      [`PUT ${BASE}/2024/reports/d1/water`]: review(reports),
    });
    await hands.click(await button("2024"));
    // That of the other bureau was judged.
    await hands.click(await button("Report again"));
    expect((await field("Figures")).value).toBe("forest: 120 ha");
    await hands.type(await field("What was done"), " And watered.");
    await hands.click(await button("Send"));
    await waitFor(() => expect(writes(sent)).toHaveLength(1));
    expect(writes(sent)[0]?.body).toEqual({
      text: "We planted. And watered.",
      figures: [{ name: "forest", value: "120", unit: "ha" }],
      evidence: ["d1"],
    });
  });
  it("takes no report over a colleague's that was not seen", async () => {
    let now = review([report("water")]);
    let tag = '"1"';
    const { sent, hands } = show(as("planner"), [], {
      [`GET ${BASE}/2024`]: () => withHeaders(now, { ETag: tag }),
      [`PUT ${BASE}/2024/reports/d1/water`]: ({ headers }) =>
        headers.get("If-Match") === tag ? now : refused(412, "it has changed"),
    });
    await hands.click(await button("2024"));
    await hands.click(await button("Report"));
    await hands.type(await field("What was done"), "We sowed.");
    now = review([report("water", SENT)]);
    tag = '"2"';
    await hands.click(await button("Send"));
    const theirs = await screen.findByRole("radio", { name: "What was done in the year: theirs" });
    expect(theirs.parentElement?.textContent).toBe("We planted.");
    await hands.click(await button("Send again as chosen"));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
    expect(writes(sent)[1]?.body).toEqual({
      text: "We sowed.",
      figures: SENT.figures,
      evidence: SENT.evidence,
    });
  });
  it("is judged by the supervisor, where something was reported", async () => {
    const wrong = [{ pointer: "/judgement", detail: "not_met needs a judgement in words" }];
    let refuse = true;
    const { sent, hands } = show(as("supervisor"), [report("water"), report("forest", SENT)], {
      [`POST ${BASE}/2024/reports/d1/forest/judgement`]: () =>
        refuse ? refused(400, "no", wrong) : review([]),
    });
    await hands.click(await button("2024"));
    await hands.click(await button("Judge"));
    const dialog = within(
      await screen.findByRole("dialog", { name: "Planting · Bureau of forest" }),
    );
    await hands.selectOptions(await field("Verdict"), "not met");
    await hands.click(dialog.getByRole("button", { name: "Judge" }));
    const why = await field("Judgement");
    await waitFor(() => expect(why.closest(".field")?.textContent).toContain("in words"));
    refuse = false;
    await hands.type(why, "nothing grows");
    await hands.click(dialog.getByRole("button", { name: "Judge" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes(sent).at(-1)?.body).toEqual({ verdict: "not_met", judgement: "nothing grows" });
  });
  it.each([
    ["judged", "supervisor", "Judge", "reports/d1/forest/judgement"],
    ["frozen", "approver", "Freeze", "freeze"],
  ])("is %s as it was looked at, and read anew where it has changed", async (_, who, name, to) => {
    let tag = '"1"';
    const { sent, hands } = show(as(who), [], {
      [`GET ${BASE}/2024`]: () => withHeaders(review([report("forest", SENT)]), { ETag: tag }),
      [`POST ${BASE}/2024/${to}`]: ({ headers }) =>
        headers.get("If-Match") === tag ? review([]) : refused(412, "it has changed"),
    });
    await hands.click(await button("2024"));
    await hands.click(await button(name));
    const dialog = within(await screen.findByRole("dialog"));
    if (name === "Judge") await hands.selectOptions(await field("Verdict"), "met");
    const sure = () => dialog.getByRole("button", { name: name === "Judge" ? name : "Confirm" });
    tag = '"2"';
    await hands.click(sure());
    expect(await dialog.findByText("it has changed")).toBeTruthy();
    await waitFor(() => expect(sent.filter(({ path }) => path === `${BASE}/2024`)).toHaveLength(2));
    await hands.click(sure());
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(writes(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
  });
  it("is frozen by the approver, unless reports are not settled", async () => {
    let refuse = true;
    const { sent, hands } = show(as("approver"), [report("water", { ...SENT, outcome: "met" })], {
      [`POST ${BASE}/2024/freeze`]: () =>
        refuse ? refused(409, "1 reports are not settled") : review([], "frozen"),
    });
    await hands.click(await button("2024"));
    await hands.click(await button("Freeze"));
    await hands.click(await button("Confirm"));
    expect(await screen.findByText("1 reports are not settled")).toBeTruthy();
    refuse = false;
    await hands.click(await button("Confirm"));
    expect(await screen.findByText("The review is frozen")).toBeTruthy();
    await waitFor(() => expect(sent.filter(({ path }) => path === `${BASE}/2024`)).toHaveLength(2));
  });
});

it.each([
  ["none", undefined, []],
  ["a number", { trees: 12.5 }, [{ name: "trees", value: "12.5" }]],
  ["a unit of several words", { mud: "4 10^4 m3" }, [{ name: "mud", value: "4", unit: "10^4 m3" }]],
  ["what is no number", { mud: "" }, [{ name: "mud", value: "" }]],
])("figures of a report: %s", (_, lines, sent) => {
  expect(figuresOf(lines)).toEqual(sent);
});
